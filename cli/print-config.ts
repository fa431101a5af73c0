import { stringify } from 'yaml'
import { effectiveConfig } from '../pipeline/config/effective.ts'
import { type Command, UsageError } from './command.ts'
import { CONFIG_OPTIONS, parseConfigArgs } from './config-args.ts'
import { loadOrExplain } from './load-or-explain.ts'

export const printConfig: Command = {
  usage: `Usage: blindspot print-config --config URI... [--format yaml|json] [--mode redacted|unredacted]

Prints a configuration as it would run: merged, with references expanded and defaults filled in. Secrets are masked
unless --mode unredacted is given. Exit code: 0, or 1 when the configuration cannot be run.

${CONFIG_OPTIONS}  --format FORMAT  yaml (default) or json
  --mode MODE      redacted (default) or unredacted

Example
  blindspot print-config --config pipeline.yaml --set service.telemetry.logs.level=debug
`,
  async run(args, io) {
    const parsed = parseConfigArgs(args, ['format', 'mode'])
    const format = oneOf('format', parsed.values.format ?? 'yaml', ['yaml', 'json'] as const)
    const mode = oneOf('mode', parsed.values.mode ?? 'redacted', ['redacted', 'unredacted'] as const)
    const config = loadOrExplain(parsed, io)
    if (config === null) return 1
    const shown = effectiveConfig(config, mode)
    io.stdout.write(format === 'json' ? `${JSON.stringify(shown, null, 2)}\n` : stringify(shown))
    return 0
  },
}

function oneOf<T extends string>(option: string, value: string | boolean, known: readonly T[]): T {
  const found = known.find((one) => one === value)
  if (found === undefined) throw new UsageError(`--${option} must be ${known.join(' or ')}`)
  return found
}
