import type { LogFields, Logger } from '../../telemetry/logger.ts'

export interface LogLine {
  readonly level: 'debug' | 'info' | 'warn' | 'error'
  readonly message: string
  readonly fields: LogFields
}

/** Keeps what a component says. */
export class LogProbe implements Logger {
  readonly lines: LogLine[] = []
  debug = (message: string, fields: LogFields = {}) => void this.lines.push({ level: 'debug', message, fields })
  info = (message: string, fields: LogFields = {}) => void this.lines.push({ level: 'info', message, fields })
  warn = (message: string, fields: LogFields = {}) => void this.lines.push({ level: 'warn', message, fields })
  error = (message: string, fields: LogFields = {}) => void this.lines.push({ level: 'error', message, fields })
  child = () => this
}
