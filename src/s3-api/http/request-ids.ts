import { randomBytes, randomFillSync } from 'node:crypto';

const ID_BYTES = 8;
const pool = Buffer.alloc(ID_BYTES * 512);
let offset = pool.length;

/** A request id as AWS writes them: 16 upper-case hexadecimal digits, random. */
export function newRequestId(): string {
  if (offset === pool.length) {
    randomFillSync(pool);
    offset = 0;
  }
  const id = pool.toString('hex', offset, offset + ID_BYTES).toUpperCase();
  offset += ID_BYTES;
  return id;
}

/** `x-amz-id-2` and `HostId`: stands for this process, so that an answer can be traced to the worker that gave it. */
export const HOST_ID = randomBytes(42).toString('base64');
