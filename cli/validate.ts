import { formatProblem } from '../pipeline/config/problems.ts'
import type { Command } from './command.ts'
import { CONFIG_OPTIONS, parseConfigArgs } from './config-args.ts'
import { loadOrExplain } from './load-or-explain.ts'

export const validate: Command = {
  usage: `Usage: blindspot validate --config URI...

Checks a configuration without running it and says everything that is wrong with it at once, each with its place.
Exit code: 0 when it can be run, 1 when not.

${CONFIG_OPTIONS}
Examples
  blindspot validate --config pipeline.yaml
  blindspot validate --config base.yaml --config production.yaml
`,
  async run(args, io) {
    const parsed = parseConfigArgs(args)
    const config = loadOrExplain(parsed, io)
    if (config === null) return 1
    for (const warning of config.warnings) io.stderr.write(`warning: ${formatProblem(warning)}\n`)
    const pipelines = config.pipelines.map((pipeline) => pipeline.id).join(', ')
    io.stdout.write(`the configuration is valid; pipelines: ${pipelines}\n`)
    return 0
  },
}
