/** Fields that a log line carries beside its message. */
export type LogFields = Readonly<Record<string, unknown>>

/**
 * The gateway's log: one line for each change of state, none per span. Made by telemetry/ on pino; components get a
 * child that already carries their id.
 */
export interface Logger {
  debug(message: string, fields?: LogFields): void
  info(message: string, fields?: LogFields): void
  warn(message: string, fields?: LogFields): void
  error(message: string, fields?: LogFields): void
  child(fields: LogFields): Logger
}

/** Says nothing; for tests and for `replay`. */
export const SILENT_LOGGER: Logger = {
  debug() {},
  info() {},
  warn() {},
  error() {},
  child() {
    return SILENT_LOGGER
  },
}
