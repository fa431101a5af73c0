import type { Command, Io } from './command.ts'
import { UsageError } from './command.ts'
import { nearestCommand, OVERVIEW } from './overview.ts'
import { version } from './version.ts'

/** Loaded when called, so that `--version` does not load a gateway. */
export const COMMANDS: Readonly<Record<string, () => Promise<Command>>> = {
  run: async () => (await import('./run.ts')).run,
  replay: async () => (await import('./replay.ts')).replay,
  validate: async () => (await import('./validate.ts')).validate,
  components: async () => (await import('./components.ts')).components,
  'print-config': async () => (await import('./print-config.ts')).printConfig,
  schema: async () => (await import('./schema.ts')).schema,
}

/** Runs `blindspot ARGS` and resolves to its exit code. */
export async function runCommandLine(args: readonly string[], io: Io): Promise<number> {
  const [first, ...rest] = args
  if (first === '--version' || first === '-v') {
    io.stdout.write(`blindspot ${version()}\n`)
    return 0
  }
  if (first === undefined || first === '--help' || first === '-h' || first === 'help') {
    const named = rest[0]
    if (named === undefined || !Object.hasOwn(COMMANDS, named)) {
      io.stdout.write(OVERVIEW)
      return 0
    }
    return runCommandLine([named, '--help'], io)
  }
  // The Collector is started as `otelcol --config file`, without a command; so is its stand-in.
  const [name, own] = first.startsWith('-') ? ['run', args] : [first, rest]
  const load = Object.hasOwn(COMMANDS, name) ? COMMANDS[name] : undefined
  if (load === undefined) {
    io.stderr.write(`blindspot: there is no command "${name}"${nearestCommand(name, Object.keys(COMMANDS))}\n`)
    return 1
  }
  const command = await load()
  if (own.includes('--help') || own.includes('-h')) {
    io.stdout.write(command.usage)
    return 0
  }
  try {
    return await command.run(own, io)
  } catch (error) {
    if (!(error instanceof UsageError)) throw error
    io.stderr.write(`blindspot ${name}: ${error.message}\n\n${command.usage}`)
    return name === 'replay' ? 2 : 1
  }
}
