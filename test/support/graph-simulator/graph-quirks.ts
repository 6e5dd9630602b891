import type { IncomingHttpHeaders } from 'node:http';
import type { SimulatedFault } from '../s3-simulator/simulator-quirks';

const MIB = 1024 * 1024;

/** How the simulated service is; {@link DOCUMENTED} unless a test says otherwise. */
export interface GraphQuirks {
  /** Life of a token in seconds. */
  readonly tokenSeconds: number;
  readonly maxPutBytes: number;
  readonly maxFragmentBytes: number;
  /** Entries of a page, whatever `$top` asks for. */
  readonly pageItems: number;
  /** A file in a folder that is not there makes the folder; else it is 404. */
  readonly makesFolders: boolean;
  /** A name that is taken is told with the last fragment only. */
  readonly checksNameLate: boolean;
  /** Bytes that a drive holds; more is 507. */
  readonly driveBytes: number;
}

/** As documented. */
export const DOCUMENTED: GraphQuirks = {
  tokenSeconds: 3600,
  maxPutBytes: 4 * MIB,
  maxFragmentBytes: 60 * MIB,
  pageItems: 200,
  makesFolders: true,
  checksNameLate: false,
  driveBytes: Number.POSITIVE_INFINITY,
};

export type GraphOperation =
  | 'Token'
  | 'GetItem'
  | 'DeleteItem'
  | 'PermanentDelete'
  | 'PutContent'
  | 'ListChildren'
  | 'CreateFolder'
  | 'CreateUploadSession'
  | 'PutFragment'
  | 'GetSession'
  | 'CancelSession'
  | 'Download'
  | 'Unknown';

/** A request as the simulator saw it. */
export interface SeenGraphRequest {
  readonly operation: GraphOperation;
  /** Name of the drive; empty where the request names none. */
  readonly drive: string;
  readonly headers: IncomingHttpHeaders;
  readonly target: string;
}

/** Beyond the faults of any HTTP: `take-part` keeps only so many bytes of a fragment, and says so. */
export type GraphFault = SimulatedFault | { readonly do: 'take-part'; readonly bytes: number };
