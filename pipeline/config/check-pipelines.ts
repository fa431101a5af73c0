import type {
  AnyExporterFactory,
  AnyExtensionFactory,
  AnyFactory,
  AnyProcessorFactory,
  AnyReceiverFactory,
} from '../../component/component.ts'
import type { Signal } from '../../component/signal.ts'
import type { Section } from './check-components.ts'
import { parseComponentId, parsePipelineId } from './component-id.ts'
import type { PipelineConfig } from './gateway-config.ts'
import { type ConfigPath, keyPosition, type MapNode, type Position, positionOf } from './node.ts'
import type { ConfigProblem } from './problems.ts'
import type { ServiceConfig } from './service-config.ts'

export interface Sections {
  readonly receivers: Section<AnyReceiverFactory>
  readonly processors: Section<AnyProcessorFactory>
  readonly exporters: Section<AnyExporterFactory>
  readonly extensions: Section<AnyExtensionFactory>
}

/** Checks what `service` refers to; the messages are the Collector's wherever it has the mistake. */
export function checkPipelines(
  service: ServiceConfig,
  sections: Sections,
  root: MapNode,
  problems: ConfigProblem[],
): PipelineConfig[] {
  const pipelines: PipelineConfig[] = []
  const written = Object.entries(service.pipelines)
  if (written.length === 0) {
    problems.push({
      at: positionOf(root, ['service', 'pipelines']),
      path: 'service::pipelines',
      message: 'service must have at least one pipeline',
    })
  }
  for (const [key, stages] of written) {
    const parsed = parsePipelineId(key)
    if (!parsed.ok) {
      const at = keyPosition(root, ['service', 'pipelines'], key)
      problems.push({ at, path: `service::pipelines::${key}`, message: parsed.message })
      continue
    }
    const pipeline = { ...parsed.value, ...stages }
    const check = new PipelineCheck(key, pipeline.signal, root, problems)
    pipelines.push({
      id: pipeline.id,
      signal: pipeline.signal,
      receivers: check.stages('receiver', 'receivers', stages.receivers, sections.receivers),
      processors: check.stages('processor', 'processors', stages.processors, sections.processors),
      exporters: check.stages('exporter', 'exporters', stages.exporters, sections.exporters),
    })
    check.wholeTraces(stages.processors, sections.processors)
  }
  checkExtensions(service, sections.extensions, root, problems)
  return pipelines
}

class PipelineCheck {
  readonly #key: string
  readonly #signal: Signal
  readonly #root: MapNode
  readonly #problems: ConfigProblem[]

  constructor(key: string, signal: Signal, root: MapNode, problems: ConfigProblem[]) {
    this.#key = key
    this.#signal = signal
    this.#root = root
    this.#problems = problems
  }

  /** Checks one list of a pipeline and returns it with the ids as everything else writes them. */
  stages<F extends AnyFactory>(kind: string, list: string, written: readonly string[], section: Section<F>): string[] {
    if (written.length === 0 && kind !== 'processor') this.#complain([], `must have at least one ${kind}`)
    const ids: string[] = []
    for (const [i, reference] of written.entries()) {
      const parsed = parseComponentId(reference)
      if (!parsed.ok) {
        this.#complain([list, i], parsed.message)
        continue
      }
      const { id } = parsed.value
      if (ids.includes(id)) this.#complain([list, i], `references ${kind} "${id}" multiple times`)
      if (!section.written.has(id)) this.#complain([list, i], `references ${kind} "${id}" which is not configured`)
      const signals = section.configured.get(id)?.factory.signals
      if (signals !== undefined && !signals.includes(this.#signal)) {
        this.#complain([list, i], `${kind} "${id}" does not work on ${this.#signal}, it works on ${signals.join(', ')}`)
      }
      ids.push(id)
    }
    return ids
  }

  /** A detector that judges whole traces has to come after the stage that gathers them. */
  wholeTraces(written: readonly string[], section: Section<AnyProcessorFactory>): void {
    let gathered = false
    for (const [i, reference] of written.entries()) {
      const factory = section.configured.get(reference.trim())?.factory
      if (factory?.type === 'trace_window') gathered = true
      if (factory?.needsTraceWindow === true && !gathered) {
        this.#complain(
          ['processors', i],
          `processor "${reference}" judges whole traces and needs "trace_window" before it in this pipeline`,
        )
      }
    }
  }

  #complain(below: ConfigPath, message: string): void {
    const path = ['service', 'pipelines', this.#key]
    const at: Position =
      below.length === 0
        ? keyPosition(this.#root, path.slice(0, 2), this.#key)
        : positionOf(this.#root, [...path, ...below])
    this.#problems.push({ at, path: `service::pipelines::${this.#key}`, message })
  }
}

function checkExtensions(
  service: ServiceConfig,
  section: Section<AnyExtensionFactory>,
  root: MapNode,
  problems: ConfigProblem[],
): void {
  for (const [i, reference] of service.extensions.entries()) {
    const parsed = parseComponentId(reference)
    const id = parsed.ok ? parsed.value.id : reference
    if (section.written.has(id)) continue
    problems.push({
      at: positionOf(root, ['service', 'extensions', i]),
      path: 'service::extensions',
      message: `references extension "${id}" which is not configured`,
    })
  }
}
