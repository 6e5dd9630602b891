import type { IncomingMessage } from 'node:http';
import { AdminProblem } from '../admin-problem';

const MAX_BODY_BYTES = 1024 * 1024;
/** Deeper than any request of ours; what recurses over a body must not run out of stack. */
const MAX_DEPTH = 32;
const JSON_TYPE = /^application\/(json|[\w.-]+\+json)$/i;

/** A body as it came and what it means. `value` is undefined without a body. */
export interface JsonBody {
  readonly bytes: Buffer;
  readonly value: object | undefined;
}

/**
 * Reads the body of a request, which must be a JSON object of at most 1 MiB.
 *
 * @throws AdminProblem 400 for malformed JSON, 413 when it is too large, 415 for another media type or an encoding
 */
export async function readJsonBody(message: IncomingMessage): Promise<JsonBody> {
  const { 'content-length': length, 'transfer-encoding': transfer } = message.headers;
  if ((length === undefined || length === '0') && transfer === undefined)
    return { bytes: Buffer.alloc(0), value: undefined };
  if (Number(length) > MAX_BODY_BYTES) throw tooLarge();
  const encoding = message.headers['content-encoding'];
  if (encoding !== undefined && encoding.toLowerCase() !== 'identity') {
    throw new AdminProblem({ status: 415, detail: 'The body must not be encoded' });
  }
  const bytes = await readAll(message);
  if (bytes.length === 0) return { bytes, value: undefined };
  const type = (message.headers['content-type'] ?? '').split(';', 1)[0]?.trim() ?? '';
  if (!JSON_TYPE.test(type)) {
    throw new AdminProblem({ status: 415, detail: 'The body must be JSON, with Content-Type: application/json' });
  }
  return { bytes, value: parse(bytes) };
}

async function readAll(message: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of message.iterator({ destroyOnReturn: false })) {
    if (!Buffer.isBuffer(chunk)) continue;
    size += chunk.length;
    if (size > MAX_BODY_BYTES) throw tooLarge();
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}

function parse(bytes: Buffer): object {
  let value: unknown;
  try {
    value = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes));
  } catch (cause) {
    const reason = cause instanceof SyntaxError ? `: ${cause.message}` : '';
    throw new AdminProblem({ status: 400, detail: `The body is not JSON in UTF-8${reason}`, cause });
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw AdminProblem.badRequest('The body must be a JSON object');
  }
  if (isDeeperThan(value, MAX_DEPTH)) throw AdminProblem.badRequest('The body is nested too deeply');
  return value;
}

/** Goes level by level, since recursion is what it guards against. */
function isDeeperThan(value: object, maxDepth: number): boolean {
  let level: unknown[] = [value];
  for (let depth = 0; level.length > 0; depth += 1) {
    if (depth > maxDepth) return true;
    level = level.flatMap((item): unknown[] => (typeof item === 'object' && item !== null ? Object.values(item) : []));
  }
  return false;
}

/** The rest of the body stays unread, so that the connection is of no further use. */
function tooLarge(): AdminProblem {
  return new AdminProblem({
    status: 413,
    detail: `The body must not exceed ${MAX_BODY_BYTES} bytes`,
    headers: { Connection: 'close' },
  });
}
