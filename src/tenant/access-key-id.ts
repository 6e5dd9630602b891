const ACCESS_KEY_ID = /^[A-Za-z0-9_.-]{3,128}$/;

/**
 * Whether `value` can be an access key id: 3 to 128 of `A-Z a-z 0-9 _ . -`. AWS has 16 to 128 word characters; shorter
 * ones are for root keys that operators choose. A slash would break the credential scope.
 */
export function isAccessKeyId(value: string): boolean {
  return ACCESS_KEY_ID.test(value);
}
