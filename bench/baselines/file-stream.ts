import { createReadStream, statSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { pipeline } from 'node:stream';

/** The least that Node can do to send a file: a stream of it piped into the answer. Argument: the file. */
const [, , file] = process.argv;
if (file === undefined) throw new Error('name the file to send');
const { size } = statSync(file);

const server = createServer((_request, response) => {
  response.writeHead(200, { 'content-type': 'application/octet-stream', 'content-length': size });
  pipeline(createReadStream(file), response, () => undefined);
});
server.listen(0, '127.0.0.1', () => {
  const address = server.address() as AddressInfo;
  process.stdout.write(`${address.port}\n`);
});
process.once('SIGTERM', () => process.exit(0));
