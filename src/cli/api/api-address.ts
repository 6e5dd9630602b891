import type { ClientEnvironment } from '../../config/client-environment';
import type { CommandInput } from '../command-input';
import { UsageError } from '../command';
import { textOfFile } from '../values/text-of-file';
import type { ApiAddress } from './admin-client';

const TOKEN = /^[\x21-\x7e]+$/;

/**
 * Where the admin API is: options before variables before the default.
 *
 * @throws UsageError for what can be no URL or token, and for a file that can't be read
 */
export async function apiAddress(input: CommandInput, environment: ClientEnvironment): Promise<ApiAddress> {
  return { url: urlOf(input.optional('url') ?? environment.adminUrl), token: await tokenOf(input, environment) };
}

function urlOf(given: string): string {
  const url = URL.parse(given);
  if (url === null || !['http:', 'https:'].includes(url.protocol) || url.search !== '' || url.hash !== '') {
    throw new UsageError(`The admin API's address must be a URL as http://127.0.0.1:8081, not ${given}`);
  }
  if (url.username !== '' || url.password !== '')
    throw new UsageError('The admin API takes a token, no user and password');
  return `${url.origin}${url.pathname.replace(/\/+$/, '')}`;
}

async function tokenOf(input: CommandInput, environment: ClientEnvironment): Promise<string | undefined> {
  const given = input.optional('token');
  const file = input.optional('token-file');
  if (given !== undefined && file !== undefined) throw new UsageError('--token and --token-file exclude each other');
  const token = file === undefined ? (given ?? environment.adminToken) : await textOfFile('token file', file);
  if (token === undefined) return undefined;
  // A header takes nothing else, and an error of fetch would show the token.
  if (!TOKEN.test(token)) throw new UsageError('The admin token must be printable ASCII characters without spaces');
  return token;
}
