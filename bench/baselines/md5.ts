import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { pipeline } from 'node:stream/promises';

/** Stands in for `md5sum` on systems without one. Argument: the file. */
const [, , file] = process.argv;
if (file === undefined) throw new Error('name the file to hash');
const digest = createHash('md5');
await pipeline(createReadStream(file, { highWaterMark: 1 << 20 }), digest);
process.stdout.write(`${digest.digest('hex')}  ${file}\n`);
