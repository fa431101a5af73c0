import { didYouMean } from '../pipeline/config/nearest.ts'

/** `blindspot --help`. */
export const OVERVIEW = `Blindspot is an OTLP gateway that finds what OpenTelemetry leaves in the dark: traces that broke
between two services, spans that lie about time, Go runtimes in trouble.

Usage: blindspot COMMAND [OPTIONS]

Commands
  run            start the gateway; also what "blindspot --config FILE" does
  replay         judge recorded telemetry and fail when something is broken, for CI
  validate       check a configuration and say everything that is wrong with it
  print-config   show a configuration as it would run, with defaults, secrets masked
  components     list the receivers, processors, exporters and extensions there are
  schema         print the JSON Schema of the configuration, for editors

  --version      print the version
  --help         print this; "blindspot COMMAND --help" says more about a command

Examples
  blindspot run --config pipeline.yaml
  blindspot run --config pipeline.yaml --set processors.batch.timeout=2s
  blindspot validate --config pipeline.yaml
  blindspot replay recording.otlp.jsonl.gz
`

export function nearestCommand(written: string, commands: readonly string[]): string {
  return didYouMean(written, commands) || `; there are ${commands.join(', ')}`
}
