import type { BackoffOptions } from '../backoff';

/** Fragments of upload sessions are multiples of it, but for the last. */
export const FRAGMENT_UNIT_BYTES = 320 * 1024;

/** One drive of the fleet, and the application that may use it. */
export interface OneDriveAccountSettings {
  /** Never changes: blobs are given to accounts by it. */
  readonly name: string;
  /** Directory (Microsoft's tenant) of the application: an id or a domain. */
  readonly directory: string;
  readonly clientId: string;
  readonly clientSecret: string;
  /** Path of the drive below the Graph URL: `/drives/<id>` or `/users/<id>/drive`. */
  readonly drivePath: string;
}

/** A fleet of drives as one driver uses it. */
export interface OneDriveSettings {
  readonly name: string;
  /** Base of Microsoft Graph, with its version and no slash at the end. */
  readonly graphUrl: string;
  /** Base of the token endpoints, no slash at the end. */
  readonly loginUrl: string;
  /** Folder of each drive that holds all blobs; no slash at either end. */
  readonly folder: string;
  /** Largest body of one PUT; more goes up in a session. */
  readonly maxPutBytes: number;
  /** A multiple of {@link FRAGMENT_UNIT_BYTES}. */
  readonly fragmentBytes: number;
  /** Deleted files do not go to the drive's recycle bin. */
  readonly deletesForGood: boolean;
  /** A transfer in which nothing moves for so long is broken off. */
  readonly stallMs: number;
  /** For uploads, whose bytes are held meanwhile. Everything else is repeated by the layers. */
  readonly backoff: BackoffOptions;
  /** At least one. */
  readonly accounts: readonly OneDriveAccountSettings[];
}
