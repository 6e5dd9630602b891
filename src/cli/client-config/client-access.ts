/** All that an S3 client needs. */
export interface ClientAccess {
  /** Name of the profile or remote. */
  readonly profile: string;
  readonly endpoint: string;
  readonly region: string;
  readonly accessKeyId: string;
  readonly secretKey: string;
}

/** A client's configuration, ready to be pasted. */
export type ClientConfig = (access: ClientAccess) => string;
