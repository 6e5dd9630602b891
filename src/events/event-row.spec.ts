import { RequestRecord } from '../context/request-record';
import { eventRow } from './event-row';

describe('eventRow', () => {
  it('cuts what the client chose freely', () => {
    const record = new RequestRecord('id', 'GetObject');
    record.userAgent = 'a'.repeat(10_000);
    record.artifactKey = 'k'.repeat(10_000);
    record.range = 'bytes=' + '0-1,'.repeat(1_000);
    const row = eventRow(record);
    expect(row.userAgent).toHaveLength(256);
    expect(row.artifactKey).toHaveLength(1_024);
    expect(row.range).toHaveLength(128);
  });

  it('replaces NUL, which PostgreSQL can not keep', () => {
    const record = new RequestRecord('id', 'GetObject');
    record.artifactKey = 'a\0b\0';
    expect(eventRow(record).artifactKey).toBe('a\ufffdb\ufffd');
  });

  it('gives the time to the first byte from the start of the request', () => {
    const record = new RequestRecord('id', 'GetObject');
    expect(eventRow(record).firstByteMs).toBeUndefined();
    record.firstByteAtNs = record.startedAtNs + 2_500_000n;
    expect(eventRow(record).firstByteMs).toBe(2.5);
  });
});
