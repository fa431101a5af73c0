import type { GatewayConfig } from '../pipeline/config/gateway-config.ts'
import { loadConfig } from '../pipeline/config/load.ts'
import { ConfigError, formatProblem } from '../pipeline/config/problems.ts'
import { FACTORIES } from '../pipeline/registry.ts'
import type { Io } from './command.ts'
import type { ConfigArgs } from './config-args.ts'

/** Loads the configuration; null after saying everything that is wrong with it. Warnings are the caller's to show. */
export function loadOrExplain(args: Pick<ConfigArgs, 'uris' | 'sets'>, io: Io): GatewayConfig | null {
  try {
    return loadConfig({ uris: args.uris, sets: args.sets, factories: FACTORIES, env: io.env })
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error
    for (const problem of error.problems) io.stderr.write(`${formatProblem(problem)}\n`)
    const count = error.problems.length
    io.stderr.write(
      `blindspot: ${count === 1 ? 'one problem' : `${count} problems`} in the configuration; nothing was started\n`,
    )
    return null
  }
}
