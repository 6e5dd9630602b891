import type { RunningVaultaire } from './start-vaultaire';

/** An answer of the admin plane, read to its end. */
export interface AdminAnswer {
  readonly status: number;
  readonly headers: Headers;
  /** Parsed JSON, which tests look into as they expect it; undefined without a body. */
  readonly body: ReturnType<typeof JSON.parse>;
}

export interface AdminRequestOptions {
  /** Undefined: the first operator's; null: none at all. */
  readonly token?: string | null;
  readonly body?: unknown;
  readonly headers?: Readonly<Record<string, string>>;
}

/** Sends a request to a path of the admin plane. */
export async function ask(
  vaultaire: RunningVaultaire,
  method: string,
  path: string,
  { token = vaultaire.adminToken, body, headers = {} }: AdminRequestOptions = {},
): Promise<AdminAnswer> {
  const response = await fetch(vaultaire.adminEndpoint + path, {
    method,
    headers: {
      ...(token === null ? {} : { Authorization: `Bearer ${token}` }),
      ...(body === undefined ? {} : { 'Content-Type': 'application/json' }),
      ...headers,
    },
    ...(body === undefined ? {} : { body: typeof body === 'string' ? body : JSON.stringify(body) }),
  });
  const text = await response.text();
  return { status: response.status, headers: response.headers, body: text === '' ? undefined : JSON.parse(text) };
}
