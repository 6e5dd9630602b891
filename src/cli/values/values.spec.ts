import { formatByteSize, parseByteSize } from './byte-size';
import { parseCount } from './count';
import { parseDurationMs } from './duration';
import { parseRate } from './rate';
import { parseTime } from './time';

describe('parseByteSize', () => {
  it.each([
    ['0', 0],
    ['1048576', 1_048_576],
    ['10GB', 10e9],
    ['10gb', 10e9],
    ['10 GB', 10e9],
    ['5GiB', 5 * 1024 ** 3],
    ['5Gi', 5 * 1024 ** 3],
    ['1.5TB', 1.5e12],
    ['3k', 3000],
    ['7PiB', 7 * 1024 ** 5],
    ['512B', 512],
  ])('reads %s', (text, bytes) => {
    expect(parseByteSize(text)).toBe(bytes);
  });

  it.each(['', 'GB', '10XB', '-1', '1e9', '10iB', '10GBs', '9PiB', '0x10', '1.GB', 'NaN'])('refuses %j', (text) => {
    expect(() => parseByteSize(text)).toThrow(RangeError);
  });

  it.each([
    [0, '0'],
    [999, '999'],
    [1000, '1000 (1 KB)'],
    [10e9, '10000000000 (10 GB)'],
    [1_234_567_890_123, '1234567890123 (1.23 TB)'],
  ])('shows %i as %s', (bytes, text) => {
    expect(formatByteSize(bytes)).toBe(text);
  });
});

describe('parseDurationMs', () => {
  it.each([
    ['90s', 90_000],
    ['15m', 900_000],
    ['12h', 43_200_000],
    ['30d', 2_592_000_000],
    ['2w', 1_209_600_000],
    ['1h30m', 5_400_000],
    ['0s', 0],
  ])('reads %s', (text, durationMs) => {
    expect(parseDurationMs(text)).toBe(durationMs);
  });

  it.each(['', '15', 'm', '-1h', '1.5h', '1y', '1h 30', '999999999w'])('refuses %j', (text) => {
    expect(() => parseDurationMs(text)).toThrow(RangeError);
  });
});

describe('parseTime', () => {
  const nowMs = Date.parse('2030-06-15T12:00:00Z');

  it.each([
    ['2030-01-31', '2030-01-31T00:00:00.000Z'],
    ['2030-01-31T12:30Z', '2030-01-31T12:30:00.000Z'],
    ['2030-01-31T12:30:01+02:00', '2030-01-31T10:30:01.000Z'],
  ])('reads %s', (text, time) => {
    expect(parseTime(text, 'future', nowMs)).toBe(time);
  });

  it('counts a duration from now, in the direction that is meant', () => {
    expect(parseTime('7d', 'past', nowMs)).toBe('2030-06-08T12:00:00.000Z');
    expect(parseTime('12h', 'future', nowMs)).toBe('2030-06-16T00:00:00.000Z');
  });

  it.each(['', 'tomorrow', '31.01.2030', '2030-13-01', '2030-01-31T25:00Z', '5', '999999999w'])(
    'refuses %j',
    (text) => {
      expect(() => parseTime(text, 'future', nowMs)).toThrow(RangeError);
    },
  );
});

describe('parseRate', () => {
  it.each([
    ['100', { perSecond: 100, burst: 100 }],
    ['100/500', { perSecond: 100, burst: 500 }],
    ['0.5', { perSecond: 0.5, burst: 1 }],
  ])('reads %s', (text, rate) => {
    expect(parseRate(text)).toEqual(rate);
  });

  it.each(['', '100/', '/5', '100/0.5', '-1', 'fast'])('refuses %j', (text) => {
    expect(() => parseRate(text)).toThrow(RangeError);
  });
});

describe('parseCount', () => {
  it('reads whole numbers and nothing else', () => {
    expect(parseCount('0')).toBe(0);
    expect(parseCount('1000000')).toBe(1_000_000);
    for (const text of ['', '-1', '1.5', '1e3', '9999999999999999', 'many']) {
      expect(() => parseCount(text)).toThrow(RangeError);
    }
  });
});
