import { configJsonSchema } from '../pipeline/config/json-schema.ts'
import { FACTORIES } from '../pipeline/registry.ts'
import { type Command, UsageError } from './command.ts'

export const schema: Command = {
  usage: `Usage: blindspot schema

Prints the JSON Schema of the configuration, made from the schemas that check it. With it an editor completes keys and
marks mistakes: save it, and put "# yaml-language-server: $schema=blindspot.schema.json" at the top of pipeline.yaml.

Example
  blindspot schema > blindspot.schema.json
`,
  async run(args, io) {
    if (args.length > 0) throw new UsageError(`unexpected "${args[0]}"`)
    io.stdout.write(`${JSON.stringify(configJsonSchema(FACTORIES), null, 2)}\n`)
    return 0
  },
}
