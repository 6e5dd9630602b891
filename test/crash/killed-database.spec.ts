import {
  CompleteMultipartUploadCommand,
  CreateMultipartUploadCommand,
  DeleteObjectCommand,
  UploadPartCommand,
} from '@aws-sdk/client-s3';
import { execFile } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import { until } from '../support/until';
import { CrashSuite, etagOf, LARGE_BYTES, SMALL_BYTES } from './crash-suite';
import { killPostgres } from './postgres-processes';

const CLI = join(__dirname, '../../dist/src/cli.js');
const KEYS = 6;

/** What a key holds: the digest of its bytes, or `nothing`. */
type Content = string;

interface KeyHistory {
  acknowledged: Content;
  /** What a request without an answer would make of it. */
  asked: Content | undefined;
}

const contentOf = (bytes: Buffer | undefined): Content => (bytes === undefined ? 'nothing' : etagOf(bytes));

describe('a gateway and its embedded PostgreSQL, all killed under load', () => {
  let suite: CrashSuite;
  const histories = new Map<string, KeyHistory>();

  beforeAll(async () => {
    suite = await CrashSuite.start({ workers: 2, database: 'embedded' });
  }, 60_000);

  afterAll(async () => {
    await suite.stop();
  }, 60_000);

  /** Changes one key again and again until a request has no answer. */
  async function change(key: string, onAnswer: () => void): Promise<void> {
    const history = histories.get(key) ?? { acknowledged: 'nothing', asked: undefined };
    histories.set(key, history);
    for (let turn = 0; ; turn += 1) {
      const bytes = [randomBytes(SMALL_BYTES), randomBytes(LARGE_BYTES / 10), undefined, randomBytes(SMALL_BYTES)][
        turn % 4
      ];
      history.asked = contentOf(bytes);
      try {
        await send(key, bytes, turn % 4 === 3);
      } catch {
        return;
      }
      history.acknowledged = history.asked;
      history.asked = undefined;
      onAnswer();
    }
  }

  async function send(Key: string, bytes: Buffer | undefined, isInParts: boolean): Promise<void> {
    const target = { Bucket: suite.bucket, Key };
    if (bytes === undefined) {
      await suite.s3.send(new DeleteObjectCommand(target));
    } else if (isInParts) {
      const { UploadId } = await suite.s3.send(new CreateMultipartUploadCommand(target));
      const part = { ...target, UploadId, PartNumber: 1 };
      const { ETag } = await suite.s3.send(new UploadPartCommand({ ...part, Body: bytes }));
      const MultipartUpload = { Parts: [{ PartNumber: 1, ETag }] };
      await suite.s3.send(new CompleteMultipartUploadCommand({ ...target, UploadId, MultipartUpload }));
    } else {
      await suite.put(Key, bytes);
    }
  }

  /** Runs the command beside the gateway and answers its reports. */
  async function reconcile(): Promise<readonly { readonly lostBlobIds: readonly string[] }[]> {
    const stdout = await new Promise<string>((resolve, reject) => {
      execFile(
        process.execPath,
        [CLI, 'reconcile', '--apply', '--min-age', '0'],
        { env: { PATH: process.env.PATH, VAULTAIRE_DATA_DIR: suite.vaultaire.dataDir } },
        (error, out, err) => {
          // 1: there were differences.
          if (error === null || error.code === 1) resolve(out);
          else reject(new Error(err, { cause: error }));
        },
      );
    });
    return JSON.parse(stdout) as readonly { readonly lostBlobIds: readonly string[] }[];
  }

  it.each([1, 2, 3])(
    'have all that was acknowledged, and nothing by halves, time %d',
    async (time) => {
      let answers = 0;
      const load = Array.from({ length: KEYS }, (_, at) =>
        change(`key-${String(at)}`, () => {
          answers += 1;
        }),
      );
      await until('much is answered', () => answers >= 40 * time);
      await Promise.all([suite.vaultaire.kill9(), killPostgres(suite.vaultaire.dataDir)]);
      await Promise.all(load);
      await suite.startAgain();

      for (const [key, history] of histories) {
        const content = contentOf(await suite.get(key));
        expect([history.acknowledged, history.asked]).toContain(content);
        history.acknowledged = content;
      }
      expect(await suite.state.violations()).toEqual([]);
    },
    120_000,
  );

  it('leave nothing behind that reconcile would not find', async () => {
    const [report] = await reconcile();
    expect(report?.lostBlobIds).toEqual([]);
    await suite.untilClean();
  }, 60_000);
});
