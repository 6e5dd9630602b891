import { AdminProblem } from '../../../admin-api/admin-problem';
import type { TargetKind, TargetSettings } from '../targets/target.types';

/** Fields of a target as they are after a request. */
export interface TargetFields {
  readonly kind: TargetKind;
  readonly url: string;
  readonly stream?: string | undefined;
  readonly maxEntries?: number | undefined;
  readonly subject?: string | undefined;
  readonly hasSecret: boolean;
}

const SCHEMES: Readonly<Record<TargetKind, readonly string[]>> = {
  webhook: ['http:', 'https:'],
  redis: ['redis:', 'rediss:'],
  nats: ['nats:', 'tls:'],
};

/** @throws AdminProblem 400 for what makes no target of the kind */
export function targetSettings({ kind, url, stream, maxEntries, subject, hasSecret }: TargetFields): TargetSettings {
  checkUrl(kind, url);
  if (kind !== 'redis' && (stream !== undefined || maxEntries !== undefined))
    throw wrong('stream', 'is only for redis');
  if (kind !== 'nats' && subject !== undefined) throw wrong('subject', 'is only for nats');
  switch (kind) {
    case 'webhook':
      if (!hasSecret) throw wrong('secret', 'must be set for webhooks');
      return { kind, url };
    case 'redis':
      if (stream === undefined) throw wrong('stream', 'must be set for redis');
      return { kind, url, stream, ...(maxEntries !== undefined && { maxEntries }) };
    case 'nats':
      if (subject === undefined) throw wrong('subject', 'must be set for nats');
      return { kind, url, subject };
  }
}

function checkUrl(kind: TargetKind, text: string): void {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  const schemes = SCHEMES[kind];
  if (url === undefined || !schemes.includes(url.protocol) || url.hostname === '') {
    throw wrong('url', `must be a URL that begins with ${schemes.map((scheme) => `${scheme}//`).join(' or ')}`);
  }
  // Shown to all who may read targets.
  if (url.password !== '') throw wrong('url', 'must have no password: that is what secret is for');
  if (kind === 'webhook' && (url.username !== '' || url.hash !== ''))
    throw wrong('url', 'must have no user and no hash');
  if (kind === 'redis' && !/^\/?\d*$/.test(url.pathname)) throw wrong('url', 'must have a number for a path');
  if (kind === 'nats' && url.pathname !== '' && url.pathname !== '/') throw wrong('url', 'must have no path');
}

function wrong(field: string, message: string): AdminProblem {
  return AdminProblem.badFields([{ field, message: `${field} ${message}` }]);
}
