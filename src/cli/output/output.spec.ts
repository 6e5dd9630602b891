import { bytesCell, cell } from './cell';
import { record } from './record';
import { table } from './table';

describe('table', () => {
  it('puts values below their titles', () => {
    const rows = [
      { name: 'a', quota: { bytes: { hard: 10e9 } } },
      { name: 'longer', quota: {} },
    ];
    const columns = [
      { title: 'name', path: 'name' },
      { title: 'bytes', path: 'quota.bytes.hard', format: bytesCell },
    ];
    expect(table(rows, columns, 'nothing')).toBe(
      ['NAME    BYTES', 'a       10000000000 (10 GB)', 'longer  -'].join('\n'),
    );
    expect(table([], columns, 'nothing')).toBe('nothing');
  });

  it('takes nothing from prototypes', () => {
    expect(table([{}], [{ title: 'x', path: 'constructor.name' }], '')).toBe('X\n-');
  });
});

describe('record', () => {
  it('has one line for each value, of whatever depth', () => {
    expect(record({ name: 'a', quota: { bytes: { hard: 2000 }, containers: null }, tags: ['x', 'y'], empty: {} })).toBe(
      [
        'name              a',
        'quota.bytes.hard  2000 (2 KB)',
        'quota.containers  -',
        'tags              x, y',
        'empty             -',
      ].join('\n'),
    );
    expect(record(undefined)).toBe('-');
  });
});

describe('cell', () => {
  it('lets no value steer the terminal or break the line', () => {
    expect(cell('\u001b[31mred\u009b\n')).toBe(String.raw`\u001b[31mred\u009b\u000a`);
  });

  it('shows times, switches and what is not there', () => {
    expect([cell('2030-01-31T12:00:00.123Z'), cell(true), cell(null), cell(''), cell([])]).toEqual([
      '2030-01-31 12:00:00Z',
      'yes',
      '-',
      '-',
      '-',
    ]);
  });
});
