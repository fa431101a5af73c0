import { parseArgs } from 'node:util'
import { UsageError } from './command.ts'

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
