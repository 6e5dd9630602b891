import type { DigestAlgorithm } from './digests';

/** To the thread of a digest lane, taken strictly in order. `stream` and `slot` are numbers of the process's making. */
export type DigestRequest =
  | { readonly kind: 'slot'; readonly slot: number; readonly memory: SharedArrayBuffer }
  | { readonly kind: 'open'; readonly stream: number; readonly algorithms: readonly DigestAlgorithm[] }
  | { readonly kind: 'update'; readonly stream: number; readonly slot: number; readonly lengthBytes: number }
  | { readonly kind: 'finish'; readonly stream: number }
  | { readonly kind: 'drop'; readonly stream: number };

/** From it. `updated`: the thread will not look at the slot again. */
export type DigestReply =
  | { readonly kind: 'updated'; readonly slot: number }
  | {
      readonly kind: 'finished';
      readonly stream: number;
      readonly digests: readonly (readonly [DigestAlgorithm, Uint8Array])[];
    };
