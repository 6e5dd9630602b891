import { RequestRecord } from '../context/request-record';
import { EVENT_COLUMNS, eventLine } from './event-line';

/** Values of the line by column, as they are written. */
function fields(record: RequestRecord): ReadonlyMap<string, string> {
  const line = eventLine(record);
  expect(line.indexOf('\n')).toBe(line.length - 1);
  const values = line.slice(0, -1).split('\t');
  const columns = EVENT_COLUMNS.split(', ');
  expect(values).toHaveLength(columns.length);
  return new Map(columns.map((column, at) => [column, values[at] ?? '']));
}

describe('eventLine', () => {
  it('cuts what the client chose freely', () => {
    const record = new RequestRecord('id', 'GetObject');
    record.userAgent = 'a'.repeat(10_000);
    record.artifactKey = 'k'.repeat(10_000);
    record.range = 'bytes=' + '0-1,'.repeat(1_000);
    const row = fields(record);
    expect(row.get('user_agent')).toHaveLength(256);
    expect(row.get('artifact_key')).toHaveLength(1_024);
    expect(row.get('range')).toHaveLength(128);
  });

  it('replaces NUL, which PostgreSQL can not keep', () => {
    const record = new RequestRecord('id', 'GetObject');
    record.artifactKey = 'a\0b\0';
    expect(fields(record).get('artifact_key')).toBe('a\ufffdb\ufffd');
  });

  it('gives the time to the first byte from the start of the request', () => {
    const record = new RequestRecord('id', 'GetObject');
    expect(fields(record).get('first_byte_ms')).toBe('\\N');
    record.firstByteClockMs = record.startedClockMs + 2.5;
    expect(fields(record).get('first_byte_ms')).toBe('2500e-3');
  });

  it('gives each record the time of its own, also within a second', () => {
    for (const timeMs of [Date.UTC(2024, 1, 29, 23, 59, 59, 7), Date.UTC(2024, 1, 29, 23, 59, 59, 999), 0]) {
      const record = Object.assign(new RequestRecord('id', 'GetObject'), { startedAtMs: timeMs });
      expect(fields(record).get('time')).toBe(new Date(timeMs).toISOString());
    }
  });

  it('takes nothing over from the client before', () => {
    const first = Object.assign(new RequestRecord('id', 'GetObject'), { userAgent: 'one', remoteAddress: '::1' });
    const second = Object.assign(new RequestRecord('id', 'GetObject'), { userAgent: 'two', remoteAddress: '::2' });
    for (const record of [first, first, second, new RequestRecord('id', 'GetObject'), first]) {
      const row = fields(record);
      expect(row.get('user_agent')).toBe(record.userAgent ?? '\\N');
      expect(row.get('remote_address')).toBe(record.remoteAddress ?? '\\N');
    }
  });
});
