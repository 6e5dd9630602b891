import { logLine, setLogLevel } from './process-log';

describe('logLine', () => {
  let written: string[];
  beforeEach(() => {
    written = [];
    jest.spyOn(process.stderr, 'write').mockImplementation((text) => {
      written.push(String(text));
      return true;
    });
  });
  afterEach(() => {
    jest.restoreAllMocks();
    setLogLevel('info');
  });

  const messages = (): unknown[] => written.map((line) => JSON.parse(line).msg);

  it.each([
    ['trace', ['i', 'w', 'e']],
    ['info', ['i', 'w', 'e']],
    ['warn', ['w', 'e']],
    ['error', ['e']],
    ['silent', []],
  ] as const)('writes at %s only %j', (level, expected) => {
    setLogLevel(level);
    logLine('info', 'i');
    logLine('warn', 'w');
    logLine('error', 'e');
    expect(messages()).toEqual(expected);
  });

  it('writes no secrets', () => {
    logLine('error', 'connect to redis://user:opensesame@127.0.0.1:1/0 failed', { detail: 'Bearer opensesame' });
    expect(written.join('')).toContain('127.0.0.1');
    expect(written.join('')).not.toContain('opensesame');
  });
});
