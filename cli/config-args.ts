import { parseArgs } from 'node:util'
import type { GatewayConfig } from '../pipeline/config/gateway-config.ts'
import { loadConfig } from '../pipeline/config/load.ts'
import { ConfigError, formatProblem } from '../pipeline/config/problems.ts'
import { FACTORIES } from '../pipeline/registry.ts'
import { type Io, UsageError } from './command.ts'

/** `--config` and `--set`, which most commands take. */
export interface ConfigArgs {
  readonly uris: readonly string[]
  readonly sets: readonly string[]
  /** The other options, by name. */
  readonly values: Readonly<Record<string, string | boolean | undefined>>
}

export const CONFIG_OPTIONS = `  --config URI     a configuration file, or file:PATH, env:NAME, yaml:TEXT; may be repeated, later ones win
  --set KEY=VALUE  one value over the configuration, such as processors.batch.timeout=2s; may be repeated
`

/** Reads the options; `more` names further ones that take a value. */
export function parseConfigArgs(args: readonly string[], more: readonly string[] = []): ConfigArgs {
  try {
    const { values } = parseArgs({
      args: [...args],
      strict: true,
      allowPositionals: false,
      options: {
        config: { type: 'string', multiple: true, default: [] },
        set: { type: 'string', multiple: true, default: [] },
        // The Collector's flag; there are no gates here, so it is read and has no effect.
        'feature-gates': { type: 'string' },
        ...Object.fromEntries(more.map((name) => [name, { type: 'string' as const }])),
      },
    })
    const { config, set, ...rest } = values as { config: string[]; set: string[] } & Record<string, string | undefined>
    return { uris: config, sets: set, values: rest }
  } catch (error) {
    throw new UsageError((error as Error).message)
  }
}

/** Loads the configuration; null after saying everything that is wrong with it. Warnings are the caller's to show. */
export function loadOrExplain(args: ConfigArgs, io: Io): GatewayConfig | null {
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
