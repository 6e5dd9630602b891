const KIB = 1024;
const MIB = 1024 * KIB;

/** What an S3 backend is like, as data. Everything here can be overridden in the configuration of a driver. */
export interface S3Profile {
  /** URL, `{region}` in it replaced; undefined: the configuration has to say it. */
  readonly endpoint: string | undefined;
  /** Region that requests are signed for; undefined: the configuration has to say it. */
  readonly region: string | undefined;
  readonly bucket: string | undefined;
  /** What every key begins with, before `tenant/`. */
  readonly keyPrefix: string;
  readonly addressing: 'path' | 'host';
  /** `1.1` never offers HTTP/2: some backends answer it, and are slower there. */
  readonly httpVersion: '1.1' | 'any';
  /** True: the SHA-256 of each body is signed. It costs a gigabyte a second of the event loop, so TLS is trusted instead. */
  readonly signsPayload: boolean;
  /** False: one PutObject whatever the size, which has to be known. */
  readonly hasMultipart: boolean;
  readonly hasListV2: boolean;
  /** The ETag of a PutObject or UploadPart is the MD5 of its bytes, and is compared with it. Needs `checksum: md5`. */
  readonly trustsETag: boolean;
  /** `If-None-Match: *` is honoured. Where it is not, a HEAD goes before each write. */
  readonly hasConditionalWrites: boolean;
  /** What bodies are sent with, so that the backend finds flipped bits. With `crc32`, whole reads are checked too. */
  readonly checksum: 'crc32' | 'md5' | 'none';
  /** Largest body of one PUT. */
  readonly maxPutBytes: number;
  readonly partBytes: number;
  /** Parts of one write that are sent at once. */
  readonly parallelParts: number;
  /** Uploads at which the backend is at its best: so many requests with a body are sent at once by a process. */
  readonly targetConcurrency: number;
  /** A transfer in which nothing moves for so long is broken off. */
  readonly stallMs: number;
  /** A PUT that takes longer is sent a second time, and the first answer counts; undefined: never. */
  readonly hedgeAfterMs: number | undefined;
}

/** A backend of which nothing is known: only what every S3 server has had for ten years. */
const GENERIC: S3Profile = {
  endpoint: undefined,
  region: 'us-east-1',
  bucket: undefined,
  keyPrefix: '',
  addressing: 'path',
  httpVersion: '1.1',
  signsPayload: false,
  hasMultipart: true,
  hasListV2: true,
  trustsETag: false,
  hasConditionalWrites: false,
  checksum: 'md5',
  maxPutBytes: 5 * 1024 * MIB,
  partBytes: 8 * MIB,
  parallelParts: 4,
  targetConcurrency: 16,
  stallMs: 30_000,
  hedgeAfterMs: undefined,
};

/** Names as in the configuration; what is left out is as in `generic`. */
export const S3_PROFILES = {
  generic: GENERIC,
  aws: {
    ...GENERIC,
    endpoint: 'https://s3.{region}.amazonaws.com',
    region: undefined,
    addressing: 'host',
    hasConditionalWrites: true,
    checksum: 'crc32',
    targetConcurrency: 64,
  },
  // Uploads have to complete in the region that began them: the region is the bucket's home, never a nearer one.
  lyve: {
    ...GENERIC,
    endpoint: 'https://s3.{region}.global.lyve.seagate.com',
    region: undefined,
    trustsETag: true,
    targetConcurrency: 32,
  },
  // Worse at 32 uploads than at 16, and resets PUTs.
  quotaless: {
    ...GENERIC,
    bucket: 'data',
    keyPrefix: 'personal-files/',
    hasMultipart: false,
    hasListV2: false,
    checksum: 'none',
    targetConcurrency: 16,
  },
  // Keys belong to a region, and another one answers 403.
  idrive: { ...GENERIC, region: undefined, trustsETag: true, targetConcurrency: 32 },
  r2: {
    ...GENERIC,
    region: 'auto',
    httpVersion: 'any',
    hasConditionalWrites: true,
    trustsETag: true,
    targetConcurrency: 32,
  },
  // Some four PUTs of a hundred stall for 9 to 123 s.
  wasabi: {
    ...GENERIC,
    endpoint: 'https://s3.{region}.wasabisys.com',
    region: undefined,
    httpVersion: 'any',
    trustsETag: true,
    targetConcurrency: 32,
    stallMs: 15_000,
    hedgeAfterMs: 4_000,
  },
  b2: { ...GENERIC, endpoint: 'https://s3.{region}.backblazeb2.com', region: undefined, targetConcurrency: 32 },
  minio: {
    ...GENERIC,
    httpVersion: 'any',
    hasConditionalWrites: true,
    trustsETag: true,
    targetConcurrency: 64,
  },
} as const satisfies Record<string, S3Profile>;

export type S3ProfileName = keyof typeof S3_PROFILES;

export interface S3Credentials {
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
}

/** A backend as one driver uses it: a profile with everything filled in. */
export interface S3Settings extends S3Profile {
  readonly name: string;
  /** Scheme, host and port, without a path. */
  readonly endpoint: string;
  readonly region: string;
  readonly bucket: string;
  readonly credentials: S3Credentials;
}

/** What a driver's configuration says on top of its profile; undefined leaves the profile's value. */
export type S3Overrides = { readonly [Field in keyof S3Profile]?: S3Profile[Field] | undefined };

/**
 * Fills `overrides` into the profile.
 *
 * @throws Error that names the field, where the profile has no endpoint, region or bucket of its own and none is given
 */
export function s3Settings(
  name: string,
  profileName: S3ProfileName,
  overrides: S3Overrides,
  credentials: S3Credentials,
): S3Settings {
  const given = Object.fromEntries(Object.entries(overrides).filter(([, value]) => value !== undefined));
  const profile: S3Profile = { ...S3_PROFILES[profileName], ...given };
  const required = (field: 'endpoint' | 'region' | 'bucket'): string => {
    const value = profile[field];
    if (value === undefined || value === '')
      throw new Error(`${field} must be given: the profile ${profileName} has none of its own`);
    return value;
  };
  const region = required('region');
  const { origin } = new URL(required('endpoint').replace('{region}', region));
  return { ...profile, name, endpoint: origin, region, bucket: required('bucket'), credentials };
}
