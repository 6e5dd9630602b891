import type { Registry } from 'prom-client';

/** What a process measured, as prom-client hands it out for aggregation. */
export type MetricsSnapshot = Awaited<ReturnType<Registry['getMetricsAsJSON']>>;

/** What the processes of one gateway say to each other about metrics. Others' messages on the same channel are left alone. */
export type MetricsMessage =
  /** Worker to primary: somebody scrapes me, give me the sum of all. */
  | { readonly kind: 'vaultaire:metrics:scrape'; readonly scrapeId: number }
  /** Primary to worker: the answer to that; `text` undefined when it failed. */
  | { readonly kind: 'vaultaire:metrics:scraped'; readonly scrapeId: number; readonly text: string | undefined }
  /** Primary to every worker: tell me what you have. */
  | { readonly kind: 'vaultaire:metrics:collect' }
  /** Worker to primary: the answer to that, or the last words of a worker that stops. */
  | { readonly kind: 'vaultaire:metrics:snapshot'; readonly metrics: MetricsSnapshot };

export function isMetricsMessage(message: unknown): message is MetricsMessage {
  return (
    typeof message === 'object' &&
    message !== null &&
    'kind' in message &&
    typeof message.kind === 'string' &&
    message.kind.startsWith('vaultaire:metrics:')
  );
}
