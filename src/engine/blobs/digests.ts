/** Digest algorithms that can be computed over a passing stream, in Node's or hash-wasm's names, lower case. */
export type DigestAlgorithm =
  | 'md5'
  | 'sha1'
  | 'sha256'
  | 'sha512'
  | 'crc32'
  | 'crc32c'
  | 'crc64nvme'
  | 'xxhash64'
  | 'xxhash3'
  | 'xxhash128';
