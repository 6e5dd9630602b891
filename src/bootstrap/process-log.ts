import type { LogLevel } from '../config/environment';
import { redacted } from './log-redaction';

/** As pino numbers them. */
const LEVELS: Readonly<Record<LogLevel, number>> = {
  trace: 10,
  debug: 20,
  info: 30,
  warn: 40,
  error: 50,
  fatal: 60,
  silent: Number.POSITIVE_INFINITY,
};

let lowest = LEVELS.info;

/** Lines of this process below `level` are left out from now on. */
export function setLogLevel(level: LogLevel): void {
  lowest = LEVELS[level];
}

/**
 * A log line in the form of the workers' logger, without secrets, for the primary, which loads no logger so that it stays
 * small. Lines go to standard error; standard output is for what start-up tells its operator.
 */
export function logLine(
  level: 'info' | 'warn' | 'error',
  message: string,
  fields: Readonly<Record<string, unknown>> = {},
): void {
  if (LEVELS[level] < lowest) return;
  const line = { level: LEVELS[level], time: Date.now(), pid: process.pid, ...fields, msg: message };
  process.stderr.write(`${redacted(JSON.stringify(line))}\n`);
}
