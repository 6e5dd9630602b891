const LEVELS = { info: 30, warn: 40, error: 50 } as const;

/**
 * A log line in the form of the workers' logger, for the primary, which loads no logger so that it stays small. Lines go
 * to standard error; standard output is for what start-up tells its operator.
 */
export function logLine(
  level: keyof typeof LEVELS,
  message: string,
  fields: Readonly<Record<string, unknown>> = {},
): void {
  const line = { level: LEVELS[level], time: Date.now(), pid: process.pid, ...fields, msg: message };
  process.stderr.write(`${JSON.stringify(line)}\n`);
}
