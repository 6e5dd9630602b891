import { join } from 'node:path';
import { TemporaryFolder } from './support/folders';
import { describeClient, hasPythonModule, runProgram } from './support/programs';
import { startServer } from './support/server';
import type { ClientServer } from './support/server';

const SCRIPT = join(__dirname, 'boto3_client.py');

/** The functions of the script beside this file, and what they show. */
const TESTS = {
  put_and_get: 'puts, reads whole and in ranges, heads and deletes',
  streams: 'uploads and downloads streams',
  keys_of_all_kinds: 'keeps every kind of key apart and in byte order',
  listing: 'lists in pages, with prefix, delimiter and start, in both versions',
  multipart: 'uploads in parts and reads parts',
  multipart_by_hand: 'lists, replaces, completes and aborts parts',
  copies: 'copies within the server, whole and in parts',
  presigned: 'reads and writes by presigned URLs',
  checksums: 'sends checksums in trailers and gets them back',
  payload_modes: 'signs payloads, and is refused with a wrong secret',
  conditional_writes: 'writes and reads on conditions',
  attributes: 'asks for the attributes of an object',
} as const;

describeClient('boto3', hasPythonModule('boto3'), () => {
  let server: ClientServer;
  let folder: TemporaryFolder;

  beforeAll(async () => {
    server = await startServer();
    folder = await TemporaryFolder.create();
  });

  afterAll(async () => {
    await server.stop();
    await folder.remove();
  });

  it.each(Object.entries(TESTS).map(([name, meaning]) => [meaning, name]))('%s', async (_meaning, name) => {
    await runProgram('python3', ['-B', SCRIPT, name], {
      env: {
        HOME: folder.path,
        AWS_ENDPOINT_URL: server.url,
        AWS_ACCESS_KEY_ID: server.accessKey,
        AWS_SECRET_ACCESS_KEY: server.secretKey,
        AWS_DEFAULT_REGION: server.region,
        AWS_CONFIG_FILE: folder.file('config'),
        AWS_SHARED_CREDENTIALS_FILE: folder.file('credentials'),
        AWS_EC2_METADATA_DISABLED: 'true',
      },
    });
  });
});
