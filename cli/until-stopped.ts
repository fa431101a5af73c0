import type { Logger } from '../telemetry/logger.ts'

/** Resolves with the first signal that asks to stop; the second ends the process at once. */
export function untilStopped(logger: Logger): Promise<NodeJS.Signals> {
  return new Promise((resolve) => {
    let asked = false
    const stop = (signal: NodeJS.Signals): void => {
      if (asked) {
        logger.warn(`${signal} again: ending at once, what was still held is lost`)
        process.exit(1)
      }
      asked = true
      resolve(signal)
    }
    process.on('SIGINT', stop)
    process.on('SIGTERM', stop)
    process.on('SIGHUP', () =>
      logger.warn('SIGHUP: the configuration is not reloaded while running; restart to change it'),
    )
  })
}
