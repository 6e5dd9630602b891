import { S3Error } from '../errors/s3-error';

/** The region whose buckets have no location constraint, for historical reasons. */
export const CLASSIC_REGION = 'us-east-1';

const REGION_NAME = /^[a-z]{2,}(-[a-z]+)+-\d{1,2}$/;

/**
 * Checks the `LocationConstraint` of CreateBucket against the endpoint's own region. None means that region. `EU` is the
 * old name of eu-west-1.
 *
 * Throws `IllegalLocationConstraintException` for another region, `InvalidLocationConstraint` for what is no region.
 */
export function checkLocationConstraint(constraint: string | undefined, region: string): void {
  if (constraint === undefined || constraint === region) return;
  const named = constraint === 'EU' ? 'eu-west-1' : constraint;
  if (named === region) return;
  if (!REGION_NAME.test(named))
    throw new S3Error('InvalidLocationConstraint', { fields: { LocationConstraint: constraint } });
  throw new S3Error('IllegalLocationConstraintException', {
    message: `The ${constraint} location constraint is incompatible for the region specific endpoint this request was sent to.`,
  });
}

/** Text of `LocationConstraint` for a bucket in `region`. */
export function locationConstraintOf(region: string): string {
  return region === CLASSIC_REGION ? '' : region;
}
