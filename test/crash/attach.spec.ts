import { CreateBucketCommand, DeleteObjectCommand, ListObjectsV2Command } from '@aws-sdk/client-s3';
import { mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ask } from '../support/admin-requests';
import type { AdminAnswer } from '../support/admin-requests';
import type { RunningVaultaire } from '../support/start-vaultaire';
import { startVaultaire } from '../support/start-vaultaire';
import { until } from '../support/until';

const FOLDERS = 6;
const FILES = 200;
const ALL = FOLDERS * FILES;
const Bucket = 'many';
const ATTACHMENTS = `/api/v1/tenants/default/containers/${Bucket}`;

jest.setTimeout(60_000);

describe('kill -9 while many objects', () => {
  let folder: string;
  let vaultaire: RunningVaultaire;

  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), 'many-'));
    for (let index = 0; index < FOLDERS; index += 1) {
      const name = join(folder, `f${String(index).padStart(2, '0')}`);
      mkdirSync(name);
      for (let file = 0; file < FILES; file += 1) writeFileSync(join(name, String(file)), 'bytes');
    }
    vaultaire = await startVaultaire({
      config: {
        attachable: [{ name: 'files', type: 'local', path: folder }],
        engine: { sweepIntervalSeconds: 1, doomedGraceSeconds: 1 },
      },
    });
    await vaultaire.s3Client().send(new CreateBucketCommand({ Bucket }));
  });

  afterAll(async () => {
    await vaultaire.stop();
    rmSync(folder, { recursive: true });
  });

  /** Runs a job, kills the gateway once `field` of the progress is `killAt`, starts it, and waits for the end of the job. */
  async function killed(started: AdminAnswer, field: string, killAt: number): Promise<AdminAnswer['body']> {
    expect(started.status).toBe(202);
    const job = async (): Promise<AdminAnswer['body']> =>
      (await ask(vaultaire, 'GET', `/api/v1/jobs/${String(started.body.id)}`)).body;
    await until('the job is on its way', async () => Number((await job()).progress[field] ?? 0) >= killAt);
    await vaultaire.kill9();
    await vaultaire.start();
    await until('the job is over', async () => !['queued', 'running'].includes((await job()).state));
    return job();
  }

  const keys = async (): Promise<string[]> => {
    const found: string[] = [];
    for (let after: string | undefined; ;) {
      const page = await vaultaire.s3Client().send(new ListObjectsV2Command({ Bucket, StartAfter: after }));
      found.push(...(page.Contents ?? []).flatMap(({ Key }) => Key ?? []));
      if (page.IsTruncated !== true) return found;
      after = found.at(-1);
    }
  };

  it('are attached brings each of them once', async () => {
    const started = await ask(vaultaire, 'POST', `${ATTACHMENTS}/attach`, { body: { source: 'files' } });
    const job = await killed(started, 'indexedKeys', 300);
    expect(job).toMatchObject({ state: 'done', progress: { indexedKeys: ALL, skippedKeys: 0 } });
    expect(new Set(await keys()).size).toBe(ALL);
    await vaultaire.s3Client().send(new DeleteObjectCommand({ Bucket, Key: 'f00/7' }));
    const usage = await ask(vaultaire, 'GET', ATTACHMENTS);
    expect(usage.body.usage).toEqual({ artifacts: ALL - 1, bytes: (ALL - 1) * 5 });
  });

  it('are detached leaves none in the container, and all at the source', async () => {
    const started = await ask(vaultaire, 'DELETE', `${ATTACHMENTS}/attachments/files`);
    const job = await killed(started, 'versionsRemoved', 300);
    expect([job.state, job.error]).toEqual(['done', undefined]);
    expect(await keys()).toEqual([]);
    const left = readdirSync(folder).map((name) => readdirSync(join(folder, name)).length);
    expect(left).toEqual(Array.from({ length: FOLDERS }, () => FILES));
    expect((await ask(vaultaire, 'GET', `${ATTACHMENTS}/attachments`)).body.items).toEqual([]);
  });
});
