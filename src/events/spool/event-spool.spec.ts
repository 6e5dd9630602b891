import { appendFileSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as fc from 'fast-check';
import type { EventBatch } from '../event-batch';
import { EVENT_COLUMNS } from '../event-line';
import { EventSpool } from './event-spool';

const MIB = 1_024 * 1_024;

describe('EventSpool', () => {
  let folder: string;
  let lost: (number | undefined)[];

  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'spool-'));
    lost = [];
  });
  afterEach(() => {
    rmSync(folder, { recursive: true });
  });

  const open = (maxBytes = 64 * MIB): Promise<EventSpool> =>
    EventSpool.open(folder, { maxBytes, onLost: (rows) => lost.push(rows) });

  const batchOf = (...lines: readonly string[]): EventBatch => ({
    bytes: Buffer.from(lines.map((line) => `${line}\n`).join('')),
    rows: lines.length,
  });

  /** Lines from the head on, which stay there. */
  async function drain(spool: EventSpool, maxBytes = 100): Promise<string[]> {
    const lines: string[] = [];
    for (;;) {
      const spooled = await spool.read(maxBytes);
      if (spooled === undefined) return lines;
      expect(spooled.columns).toBe(EVENT_COLUMNS);
      const here = spooled.batch.bytes.toString().split('\n').slice(0, -1);
      expect(here).toHaveLength(spooled.batch.rows);
      lines.push(...here);
      await spool.consume(spooled);
    }
  }

  it('gives back what it was given, in order, and leaves no file', async () => {
    const spool = await open();
    await Promise.all([spool.append(batchOf('a', 'b')), spool.append(batchOf('c'))]);
    expect(await drain(spool, 1)).toEqual(['a', 'b', 'c']);
    await spool.append(batchOf('d'));
    expect(await drain(spool)).toEqual(['d']);
    expect(spool.isEmpty).toBe(true);
    expect(readdirSync(folder)).toEqual([]);
    await spool.close();
  });

  it('gives the same again until it is consumed', async () => {
    const spool = await open();
    await spool.append(batchOf('a'));
    expect((await spool.read(1))?.batch.bytes.toString()).toBe('a\n');
    expect(await drain(spool)).toEqual(['a']);
    await spool.close();
  });

  it('takes up what another process left', async () => {
    const dead = await open();
    await dead.append(batchOf('a'));
    await dead.append(batchOf('b'));
    const heir = await open();
    expect(await drain(heir)).toEqual(['a', 'b']);
    expect(readdirSync(folder)).toEqual([]);
    await dead.close();
  });

  it('skips a record only while it is the first', async () => {
    const spool = await open();
    const first = await spool.append(batchOf('a'));
    const second = await spool.append(batchOf('b'));
    await spool.skip(second);
    await spool.skip(first);
    await spool.skip(first);
    expect(await drain(spool)).toEqual(['b']);
    await spool.close();
  });

  it('keeps all records before the one that was written by half, wherever it ends', async () => {
    const dead = await open();
    await dead.append(batchOf('a', 'b'));
    await dead.append(batchOf('c'));
    await dead.close();
    const [name = ''] = readdirSync(folder);
    const whole = readFileSync(join(folder, name));
    const heads = new Set<string>();
    for (let size = whole.length - 1; size >= 0; size -= 1) {
      writeFileSync(join(folder, name), whole.subarray(0, size));
      lost = [];
      const heir = await open();
      const lines = await drain(heir);
      expect(['', 'a,b']).toContain(lines.join());
      heads.add(lines.join());
      expect(readdirSync(folder)).toEqual([]);
      await heir.close();
    }
    expect(heads.size).toBe(2);
  });

  it('takes no damaged record for a whole one, and goes on with the next segment', async () => {
    const dead = await open();
    await dead.append(batchOf('first'));
    await dead.append(batchOf('second'));
    await dead.close();
    const [name = ''] = readdirSync(folder);
    const whole = readFileSync(join(folder, name));
    await fc.assert(
      fc.asyncProperty(fc.nat(whole.length - 1), fc.integer({ min: 1, max: 255 }), async (at, change) => {
        const damaged = Buffer.from(whole);
        damaged[at] = (damaged[at] ?? 0) ^ change;
        writeFileSync(join(folder, name), damaged);
        const heir = await open();
        await heir.append(batchOf('later'));
        const lines = await drain(heir);
        expect(['first,later', 'later']).toContain(lines.join());
        await heir.close();
      }),
      { numRuns: 60 },
    );
    expect(lost).toContain(undefined);
  });

  it('reads on after rubbish at the end of a segment', async () => {
    const dead = await open();
    await dead.append(batchOf('a'));
    await dead.close();
    const [name = ''] = readdirSync(folder);
    appendFileSync(join(folder, name), Buffer.alloc(5_000, 7));
    const heir = await open();
    expect(await drain(heir)).toEqual(['a']);
    expect(lost).toEqual([undefined]);
  });

  it('loses the oldest rows alone when it is full, and counts each', async () => {
    const spool = await open(MIB);
    const texts = Array.from({ length: 300 }, (_, at) => `${String(at)} ${'x'.repeat(10_000)}`);
    for (const text of texts) {
      await spool.append(batchOf(text));
      expect(spool.bytes).toBeLessThan(1.2 * MIB);
    }
    const left = await drain(spool, 200_000);
    expect(left).toEqual(texts.slice(-left.length));
    expect(left.length).toBeGreaterThan(80);
    expect(lost.reduce<number>((sum, rows) => sum + (rows ?? 0), 0)).toBe(300 - left.length);
    expect(spool.isEmpty).toBe(true);
    await spool.close();
  });

  it('does not count rows as lost that were read before', async () => {
    const spool = await open(MIB);
    for (let at = 0; at < 50; at += 1) await spool.append(batchOf('x'.repeat(10_000)));
    const early = await spool.read(200_000);
    if (early === undefined) throw new Error('nothing was read');
    await spool.consume(early);
    for (let at = 0; at < 100; at += 1) await spool.append(batchOf('y'.repeat(10_000)));
    const counted = lost.reduce<number>((sum, rows) => sum + (rows ?? 0), 0);
    const left = await drain(spool, 200_000);
    expect(early.batch.rows + counted + left.length).toBe(150);
    await spool.close();
  });
});
