import { HOST_ID } from './request-ids';

export const SERVER_NAME = 'Vaultaire';

/** What every answer carries, and what was asked for; undefined values are left out. */
export function answerHeaders(
  requestId: string,
  headers: Readonly<Record<string, string | number | undefined>> | undefined,
): Record<string, string | number> {
  const all: Record<string, string | number> = {
    'x-amz-request-id': requestId,
    'x-amz-id-2': HOST_ID,
    server: SERVER_NAME,
  };
  for (const name in headers) {
    const value = headers[name];
    if (value !== undefined) all[name] = value;
  }
  return all;
}
