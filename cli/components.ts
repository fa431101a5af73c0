import { COMPONENT_KINDS } from '../component/component.ts'
import { SECTIONS } from '../pipeline/config/check-components.ts'
import { FACTORIES } from '../pipeline/registry.ts'
import { type Command, UsageError } from './command.ts'
import { version } from './version.ts'

export const components: Command = {
  usage: `Usage: blindspot components

Lists the components that a configuration may name, as YAML.

Example
  blindspot components
`,
  async run(args, io) {
    if (args.length > 0) throw new UsageError(`unexpected "${args[0]}"`)
    const lines = ['buildinfo:', '  command: blindspot', `  version: ${version()}`]
    for (const kind of COMPONENT_KINDS) {
      const factories = FACTORIES.filter((factory) => factory.kind === kind)
      if (factories.length === 0) continue
      lines.push(`${SECTIONS[kind]}:`)
      for (const { type, aliases, description, signals } of factories.toSorted((a, b) => (a.type < b.type ? -1 : 1))) {
        lines.push(`  - name: ${type}`)
        if (aliases.length > 0) lines.push(`    aliases: [${aliases.join(', ')}]`)
        if (signals.length > 0) lines.push(`    signals: [${signals.join(', ')}]`)
        lines.push(`    description: ${JSON.stringify(description)}`)
      }
    }
    io.stdout.write(`${lines.join('\n')}\n`)
    return 0
  },
}
