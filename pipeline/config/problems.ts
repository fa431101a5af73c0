import { GatewayError } from '../../component/errors.ts'
import type { Position } from './node.ts'

/** One thing that is wrong with a configuration. */
export interface ConfigProblem {
  /** Null for what is wrong with no place in it: a file that is not there. */
  readonly at: Position | null
  /** `receivers.otlp.protocols`, or the Collector's own `service::pipelines::traces` where the message is the Collector's. */
  readonly path: string
  readonly message: string
}

/** `pipeline.yaml:6:32 receivers.otlp.protocols: message` */
export function formatProblem(problem: ConfigProblem): string {
  const where = problem.at === null ? '' : `${problem.at.source}:${problem.at.line}:${problem.at.column} `
  return problem.path === '' ? `${where}${problem.message}` : `${where}${problem.path}: ${problem.message}`
}

/** Everything that is wrong with a configuration, at once, in the order in which it was written. */
export class ConfigError extends GatewayError {
  readonly problems: readonly ConfigProblem[]

  constructor(problems: readonly ConfigProblem[]) {
    const ordered = inOrder(problems)
    super('config_invalid', ordered.map(formatProblem).join('\n'), { retryable: false })
    this.problems = ordered
  }
}

function inOrder(problems: readonly ConfigProblem[]): ConfigProblem[] {
  const sources = [...new Set(problems.map((problem) => problem.at?.source))]
  return problems.toSorted((a, b) => {
    const bySource = sources.indexOf(a.at?.source) - sources.indexOf(b.at?.source)
    if (bySource !== 0 || a.at === null || b.at === null) return bySource
    return a.at.line - b.at.line || a.at.column - b.at.column
  })
}
