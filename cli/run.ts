import { GatewayError } from '../component/errors.ts'
import type { GatewayConfig } from '../pipeline/config/gateway-config.ts'
import { formatProblem } from '../pipeline/config/problems.ts'
import { Service } from '../pipeline/service.ts'
import type { Logger } from '../telemetry/logger.ts'
import type { Command, Io } from './command.ts'
import { CONFIG_OPTIONS, parseConfigArgs } from './config-args.ts'
import { loadOrExplain } from './load-or-explain.ts'
import { startMessage } from './start-message.ts'
import { untilStopped } from './until-stopped.ts'
import { version } from './version.ts'

/** What is left to do for a process when its gateway has stopped takes less. */
const END_AFTER_MS = 200

export const run: Command = {
  usage: `Usage: blindspot run --config URI...

Runs the gateway until it is stopped. On SIGINT or SIGTERM it takes no more data, sends on what it holds for at most
service.shutdown_timeout (20 s) and ends; a second signal ends it at once.
Exit code: 0 after a stop, 1 when the configuration is wrong or the gateway cannot start.

${CONFIG_OPTIONS}
Examples
  blindspot run --config pipeline.yaml
  blindspot run --config pipeline.yaml --set exporters.otlp_grpc.endpoint=backend:4317
  blindspot run --config env:BLINDSPOT_CONFIG
`,
  async run(args, io) {
    const config = loadOrExplain(parseConfigArgs(args), io)
    if (config === null) return 1
    return runService(config, io)
  },
}

async function runService(config: GatewayConfig, io: Io): Promise<number> {
  const service = await Service.create(config, { version: version() })
  const { logger } = service
  for (const warning of config.warnings) logger.warn(formatProblem(warning))
  // Heard from the first moment on: a signal during the start stops what has been started.
  const stopSignal = untilStopped(logger)
  try {
    await service.start()
  } catch (error) {
    if (!(error instanceof GatewayError)) throw error
    io.stderr.write(`blindspot: ${error.message}\n`)
    return endSoon(1)
  }
  tellStart(service, config, logger, io)
  const signal = await stopSignal
  const { shutdown_timeout } = config.service
  logger.info(`${signal}: sending on what is held, for at most ${shutdown_timeout / 1000} s`)
  // The gateway's own timers do not keep the process alive; this one does, until all is sent.
  const alive = setInterval(() => {}, 1000)
  await service.stop()
  clearInterval(alive)
  logger.info('stopped')
  return endSoon(0)
}

/** An export that nobody answers does not keep a process alive whose gateway has stopped. */
function endSoon(code: number): number {
  setTimeout(() => process.exit(code), END_AFTER_MS).unref()
  return code
}

/** People get the message as text; whoever reads the log by machine gets one line of it. */
function tellStart(service: Service, config: GatewayConfig, logger: Logger, io: Io): void {
  const message = startMessage(service, version())
  if (config.service.telemetry.logs.encoding === 'json')
    logger.info('started', { version: version(), ...message.fields })
  else io.stderr.write(`${message.text}\n`)
}
