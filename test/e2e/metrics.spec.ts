import { GetObjectCommand, PutObjectCommand } from '@aws-sdk/client-s3';
import { randomBytes } from 'node:crypto';
import { until } from '../support/until';
import { useS3 } from './s3-suite';

describe('metrics of several workers', () => {
  const suite = useS3({ workers: 2 });

  async function scrape(): Promise<string[]> {
    const response = await fetch(`${suite.vaultaire.adminEndpoint}/metrics`);
    expect(response.status).toBe(200);
    return (await response.text()).split('\n').filter((line) => line.startsWith('vaultaire_'));
  }

  /** Names with labels, without values. */
  const series = (lines: readonly string[]): string[] =>
    lines.map((line) => line.slice(0, line.lastIndexOf(' '))).sort();

  function valueOf(lines: readonly string[], name: string): number {
    const line = lines.find((other) => other.startsWith(`${name} `));
    return line === undefined ? NaN : Number(line.slice(line.lastIndexOf(' ')));
  }

  /** All that a client can make up. */
  async function askNonsense(times: number): Promise<void> {
    const word = (): string => randomBytes(6).toString('hex');
    const methods = ['GET', 'PUT', 'DELETE', 'POST', 'HEAD', 'PATCH'];
    for (let at = 0; at < times; at += 1) {
      const method = methods[at % methods.length] ?? 'GET';
      await fetch(`${suite.vaultaire.s3Endpoint}/${word()}/${word()}/${word()}?${word()}=${word()}`, {
        method,
        headers: { 'User-Agent': word(), Authorization: at % 2 === 0 ? `AWS4-HMAC-SHA256 ${word()}` : '' },
      }).then((response) => response.arrayBuffer());
    }
  }

  it('add up, whichever worker answers', async () => {
    const Bucket = await suite.newBucket();
    await suite.s3.send(new PutObjectCommand({ Bucket, Key: 'key', Body: 'x'.repeat(1_000) }));
    for (let turn = 0; turn < 20; turn += 1) {
      const client = suite.vaultaire.s3Client();
      const { Body } = await client.send(new GetObjectCommand({ Bucket, Key: 'key' }));
      await Body?.transformToByteArray();
    }
    const name = 'vaultaire_s3_requests_total{operation="GetObject",code="200"}';
    await until('all reads are counted', async () => valueOf(await scrape(), name) === 20);
    for (let turn = 0; turn < 5; turn += 1) {
      const lines = await scrape();
      expect(valueOf(lines, name)).toBe(20);
      expect(valueOf(lines, 'vaultaire_s3_bytes_out_total{operation="GetObject"}')).toBe(20_000);
      expect(valueOf(lines, 'vaultaire_s3_time_to_first_byte_seconds_count{operation="GetObject"}')).toBe(20);
      expect(valueOf(lines, 'vaultaire_s3_requests_in_flight')).toBe(0);
    }
    await until('all events are written', async () => valueOf(await scrape(), 'vaultaire_events_written_total') >= 22);
    const lines = await scrape();
    expect(valueOf(lines, 'vaultaire_events_dropped_total')).toBe(0);
    expect(valueOf(lines, 'vaultaire_events_spool_bytes')).toBe(0);
    // The same figure of both workers, not its double.
    const succeeded = valueOf(lines, 'vaultaire_job_last_success_timestamp_seconds{job="event-partitions"}');
    if (!Number.isNaN(succeeded)) expect(Math.abs(succeeded - Date.now() / 1_000)).toBeLessThan(600);
  }, 60_000);

  it('have no series that a client can make up', async () => {
    await askNonsense(60);
    const before = series(await scrape());
    await askNonsense(120);
    expect(series(await scrape())).toEqual(before);
    expect(before.length).toBeLessThan(2_000);
  }, 60_000);
});
