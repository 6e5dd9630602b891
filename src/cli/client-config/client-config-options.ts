import type { AdminClient } from '../api/admin-client';
import type { CommandContext, CommandOptions } from '../command';
import { UsageError } from '../command';
import type { Printable } from '../output/printable';
import { valueAt } from '../output/table';
import type { ClientConfig } from './client-access';
import { CLIENT_CONFIGS } from './client-configs';

const PROFILE = /^[A-Za-z0-9_][A-Za-z0-9_.-]{0,63}$/;
const REGION = /^[a-z0-9-]{1,64}$/;

/** For commands that answer a secret. */
export const CLIENT_CONFIG_OPTIONS: CommandOptions = {
  rclone: { value: undefined, summary: 'print a section of rclone.conf instead of the key' },
  aws: { value: undefined, summary: 'print a profile for ~/.aws/credentials and ~/.aws/config instead' },
  env: { value: undefined, summary: 'print commands for a shell instead, for eval' },
  endpoint: { value: 'URL', summary: 'S3 address in that configuration; default: as the server knows itself' },
  region: { value: 'REGION', summary: 'region in that configuration; default: the region of the server' },
  profile: { value: 'NAME', summary: 'name of the profile or remote; default: vaultaire' },
};

/**
 * How the key of an answer is to be printed; undefined: as it is. Asks the server for what was not given, before there is a
 * key that could be lost.
 */
export async function clientConfigOf(context: CommandContext): Promise<((key: unknown) => Printable) | undefined> {
  const config = chosenConfig(context);
  if (config === undefined) return undefined;
  const profile = context.input.optional('profile') ?? 'vaultaire';
  if (!PROFILE.test(profile)) throw new UsageError('--profile wants letters, digits, dots, dashes or underscores');
  const { endpoint, region } = await addressOf(context);
  return (key) => {
    const accessKeyId = String(valueAt(key, 'accessKeyId'));
    const secretKey = String(valueAt(key, 'secretKey'));
    return { kind: 'text', text: config({ profile, endpoint, region, accessKeyId, secretKey }) };
  };
}

function chosenConfig({ input }: CommandContext): ClientConfig | undefined {
  const chosen = Object.entries(CLIENT_CONFIGS).filter(([name]) => input.isSwitchedOn(name));
  if (chosen.length > 1) throw new UsageError('Only one of --rclone, --aws and --env can be printed');
  const [config] = chosen;
  if (config === undefined) {
    const useless = ['endpoint', 'region', 'profile'].find((name) => input.optional(name) !== undefined);
    if (useless !== undefined) throw new UsageError(`--${useless} goes with --rclone, --aws or --env`);
  } else if (input.optional('output') === 'json') {
    throw new UsageError(`--${config[0]} and --output json exclude each other`);
  }
  return config?.[1];
}

async function addressOf({ api, input }: CommandContext): Promise<{ endpoint: string; region: string }> {
  const given = { endpoint: input.optional('endpoint'), region: input.optional('region') };
  const isComplete = given.endpoint !== undefined && given.region !== undefined;
  const server = isComplete ? undefined : (await api.get('/server')).body;
  const endpoint = given.endpoint ?? (await reachable(valueAt(server, 'endpoints.s3'), api));
  const region = given.region ?? valueAt(server, 'region');
  const url = typeof endpoint === 'string' ? URL.parse(endpoint) : null;
  if (url === null || !['http:', 'https:'].includes(url.protocol)) {
    throw new UsageError('--endpoint wants a URL as https://s3.example.com');
  }
  if (typeof region !== 'string' || !REGION.test(region)) {
    throw new UsageError('--region wants lower-case letters, digits and dashes');
  }
  return { endpoint: `${url.origin}${url.pathname.replace(/\/+$/, '')}`, region };
}

/** A server that listens on all addresses knows none of them: then it is that of its admin API. */
async function reachable(endpoint: unknown, api: AdminClient): Promise<unknown> {
  const url = typeof endpoint === 'string' ? URL.parse(endpoint) : null;
  if (url === null || !['0.0.0.0', '[::]'].includes(url.hostname)) return endpoint;
  url.hostname = new URL(await api.url()).hostname;
  return url.href;
}
