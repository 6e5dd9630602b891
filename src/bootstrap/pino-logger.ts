import type { LoggerService } from '@nestjs/common';
import { destination, pino } from 'pino';
import type { Logger, LoggerOptions } from 'pino';
import type { LogLevel } from '../config/environment';
import { LogFields } from '../context/log-fields';
import { tracing } from '../context/tracing';
import { errorFields, redacted } from './log-redaction';

/** Contexts in which Nest tells every module and route at start. */
const CHATTY_CONTEXTS: ReadonlySet<unknown> = new Set([
  'InstanceLoader',
  'NestApplication',
  'NestFactory',
  'RouterExplorer',
  'RoutesResolver',
]);
const STANDARD_ERROR = 2;

/**
 * Nest's logger as JSON lines on standard error, without secrets. Lines are written at once, so that none is lost in a crash.
 * {@link LogFields} among the parameters become fields of the line; of a request that is traced, the trace is one too.
 */
export class PinoLogger implements LoggerService {
  private readonly pino: Logger;

  constructor(level: LogLevel) {
    const options: LoggerOptions = {
      level,
      base: { pid: process.pid },
      serializers: { err: (error: unknown) => errorFields(error) },
      hooks: { streamWrite: redacted },
    };
    this.pino = pino(options, destination({ fd: STANDARD_ERROR, sync: true }));
  }

  log(message: unknown, ...rest: unknown[]): void {
    this.write(CHATTY_CONTEXTS.has(rest.at(-1)) ? 'debug' : 'info', message, rest);
  }

  fatal(message: unknown, ...rest: unknown[]): void {
    this.write('fatal', message, rest);
  }

  error(message: unknown, ...rest: unknown[]): void {
    this.write('error', message, rest);
  }

  warn(message: unknown, ...rest: unknown[]): void {
    this.write('warn', message, rest);
  }

  debug(message: unknown, ...rest: unknown[]): void {
    this.write('debug', message, rest);
  }

  verbose(message: unknown, ...rest: unknown[]): void {
    this.write('trace', message, rest);
  }

  /** Nest hands on the context as the last text, and before it a stack or an error. */
  private write(
    level: 'fatal' | 'error' | 'warn' | 'info' | 'debug' | 'trace',
    message: unknown,
    rest: unknown[],
  ): void {
    const context = typeof rest.at(-1) === 'string' ? rest.at(-1) : undefined;
    const details = context === undefined ? rest : rest.slice(0, -1);
    const err = message instanceof Error ? message : details.find((detail) => detail instanceof Error);
    const stack = details.find((detail) => typeof detail === 'string');
    const fields = details.find((detail) => detail instanceof LogFields)?.fields;
    const traceId = tracing()?.traceId();
    this.pino[level](
      { context, ...fields, traceId, err, stack },
      message instanceof Error ? message.message : String(message),
    );
  }
}
