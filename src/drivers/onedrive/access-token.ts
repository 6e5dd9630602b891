import { AbortScope } from '../abort-scope';
import { DriverError } from '../driver.errors';
import { parsedJson, textAt, valueAt } from './graph-json';
import type { GraphTransport } from './graph-transport';
import { graphError } from './onedrive-errors';
import type { OneDriveAccountSettings } from './onedrive-settings';

/** Tokens are renewed so long before their end, or at half of a shorter life. */
const RENEW_BEFORE_MS = 5 * 60_000;
const FETCH_MS = 15_000;

interface AccessToken {
  readonly value: string;
  readonly renewAtMs: number;
}

/**
 * The token of an application, by client credentials
 * (https://learn.microsoft.com/entra/identity-platform/v2-oauth2-client-creds-grant-flow). One request at a time, whoever waits for it.
 */
export class AccessTokenSource {
  private token: AccessToken | undefined;
  private fetching: Promise<AccessToken> | undefined;

  constructor(
    private readonly transport: GraphTransport,
    private readonly loginUrl: string,
    private readonly graphUrl: string,
    private readonly account: OneDriveAccountSettings,
  ) {}

  /** Rejects with a {@link DriverError}, `Aborted` as soon as `signal` aborts; the request goes on for others. */
  async get(signal: AbortSignal): Promise<string> {
    if (this.token !== undefined && Date.now() < this.token.renewAtMs) return this.token.value;
    this.fetching ??= this.fetch().finally(() => {
      this.fetching = undefined;
    });
    const scope = new AbortScope(signal);
    try {
      return (await scope.guard(this.fetching)).value;
    } finally {
      scope.close();
    }
  }

  /** The backend refused this token. A newer one is kept. */
  forget(value: string): void {
    if (this.token?.value === value) this.token = undefined;
  }

  private async fetch(): Promise<AccessToken> {
    const { directory, clientId, clientSecret } = this.account;
    const form = new URLSearchParams({
      grant_type: 'client_credentials',
      client_id: clientId,
      client_secret: clientSecret,
      scope: `${new URL(this.graphUrl).origin}/.default`,
    });
    const request = this.transport.send(
      {
        method: 'POST',
        url: new URL(`${this.loginUrl}/${encodeURIComponent(directory)}/oauth2/v2.0/token`),
        headers: { 'content-type': 'application/x-www-form-urlencoded', accept: 'application/json' },
        body: Buffer.from(form.toString()),
      },
      { signal: AbortSignal.timeout(FETCH_MS) },
    );
    const answer = await request.catch((cause: unknown) => {
      throw new DriverError('Unavailable', 'no access token: its endpoint does not answer', { cause });
    });
    const json = parsedJson(answer.body);
    const value = textAt(json, 'access_token');
    const seconds = valueAt(json, 'expires_in');
    if (answer.status !== 200 || value === undefined || typeof seconds !== 'number') throw refused(graphError(answer));
    const lifeMs = seconds * 1000;
    this.token = { value, renewAtMs: Date.now() + Math.max(lifeMs - RENEW_BEFORE_MS, lifeMs / 2) };
    return this.token;
  }
}

/** Whatever it is, nobody gets at the blobs: a wrong secret must not look like a missing blob or a client's fault. */
function refused(error: DriverError): DriverError {
  const { isRetryable, retryAfterSeconds } = error;
  return new DriverError('Unavailable', `no access token: ${error.message}`, {
    isRetryable,
    ...(retryAfterSeconds !== undefined && { retryAfterSeconds }),
  });
}
