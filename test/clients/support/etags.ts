import { createHash } from 'node:crypto';
import { open } from 'node:fs/promises';

/** aws-cli's own default. */
const PART_BYTES = 8 * 1024 * 1024;

/** The ETag of a file that was sent in parts: the MD5 of the parts' MD5s, and their number. */
export async function multipartEtagOf(path: string, partBytes = PART_BYTES): Promise<string> {
  const file = await open(path);
  const whole = createHash('md5');
  const part = Buffer.alloc(partBytes);
  let partCount = 0;
  try {
    for (;;) {
      const { bytesRead } = await file.read(part, 0, partBytes, partCount * partBytes);
      if (bytesRead === 0) break;
      whole.update(createHash('md5').update(part.subarray(0, bytesRead)).digest());
      partCount++;
    }
  } finally {
    await file.close();
  }
  return `${whole.digest('hex')}-${partCount}`;
}
