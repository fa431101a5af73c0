import { type Level, type Logger as Pino, pino, stdTimeFunctions } from 'pino'
import pretty from 'pino-pretty'
import type { LogFields, Logger } from './logger.ts'

export interface LogOptions {
  readonly level: 'debug' | 'info' | 'warn' | 'error'
  /** `console` for people, `json` for machines. */
  readonly encoding: 'console' | 'json'
  readonly initialFields?: LogFields
  /** Where lines go; standard error by default, so that standard output stays free for data. */
  readonly destination?: NodeJS.WritableStream
}

/**
 * A logger on pino. It writes at once: the log has a line for each change of state, not for each span, and the last
 * line before the end must not be lost.
 */
export function createLogger(options: LogOptions): Logger {
  const destination = options.destination ?? process.stderr
  const stream =
    options.encoding === 'json'
      ? { write: (line: string) => void destination.write(line) }
      : pretty({
          colorize: destination === process.stderr && process.stderr.isTTY === true && !process.env.NO_COLOR,
          translateTime: 'SYS:HH:MM:ss.l',
          ignore: 'component,pipeline,kind',
          messageFormat: (log, key) => `${whoSays(log)}${String(log[key])}`,
          destination,
          sync: true,
        })
  return wrap(
    pino(
      {
        level: options.level,
        base: null,
        timestamp: stdTimeFunctions.isoTime,
        errorKey: 'error',
        formatters: { level: (label) => ({ level: label }) },
        ...(options.initialFields && { mixin: () => ({ ...options.initialFields }) }),
      },
      stream,
    ),
  )
}

function whoSays(log: LogFields): string {
  const who = [log.component, log.pipeline].filter((part) => typeof part === 'string').join(' in ')
  return who === '' ? '' : `${who}: `
}

/** Our interface takes the message first, as one reads it. */
function wrap(target: Pino): Logger {
  const write = (level: Level) => (message: string, fields?: LogFields) => {
    if (fields === undefined) target[level](message)
    else target[level](fields, message)
  }
  return {
    debug: write('debug'),
    info: write('info'),
    warn: write('warn'),
    error: write('error'),
    child: (fields) => wrap(target.child(fields)),
  }
}
