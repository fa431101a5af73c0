import type { AnyFactory } from '../../component/component.ts'
import { checkComponents, type Section } from './check-components.ts'
import { checkFiles } from './check-files.ts'
import { checkPipelines } from './check-pipelines.ts'
import { checkValue } from './check-value.ts'
import { expand } from './expand.ts'
import type { GatewayConfig } from './gateway-config.ts'
import { didYouMean } from './nearest.ts'
import { type ConfigNode, type MapNode, nodeAt } from './node.ts'
import { ConfigError, type ConfigProblem } from './problems.ts'
import { serviceSchema } from './service-config.ts'
import { readSources } from './sources.ts'

const TOP_LEVEL = ['receivers', 'processors', 'exporters', 'connectors', 'extensions', 'service']

export interface LoadRequest {
  /** `--config`: paths, or `file:`, `env:`, `yaml:`; later ones win. */
  readonly uris: readonly string[]
  /** `--set`: `processors.batch.timeout=2s`, after the configurations. */
  readonly sets?: readonly string[]
  readonly factories: readonly AnyFactory[]
  readonly env?: Readonly<Record<string, string | undefined>>
}

/** Reads, merges, expands and checks a configuration. Throws a ConfigError that holds everything that is wrong with it. */
export function loadConfig(request: LoadRequest): GatewayConfig {
  const problems: ConfigProblem[] = []
  const warnings: ConfigProblem[] = []
  const env = request.env ?? process.env
  if (request.uris.length === 0) {
    throw new ConfigError([
      { at: null, path: '', message: 'at least one config flag must be provided, such as --config pipeline.yaml' },
    ])
  }
  const read = readSources(request.uris, request.sets ?? [], { env, problems })
  if (read === null || problems.length > 0) throw new ConfigError(problems)
  const root = expand(read, { env, problems, warnings, followed: 0 })
  const top = checkTop(root, problems)

  const only = <K extends AnyFactory['kind']>(kind: K) =>
    request.factories.filter((factory): factory is Extract<AnyFactory, { kind: K }> => factory.kind === kind)
  const sections = {
    receivers: checkComponents('receiver', only('receiver'), top, problems),
    processors: checkComponents('processor', only('processor'), top, problems),
    exporters: checkComponents('exporter', only('exporter'), top, problems),
    extensions: checkComponents('extension', only('extension'), top, problems),
  }
  const connectors = checkComponents('connector', [], top, problems)
  checkAmbiguous(sections.exporters.written, connectors.written, top, problems)

  const service = checkValue(serviceSchema, nodeAt(top, ['service']) ?? emptyMap(top), ['service'])
  if (!service.ok) throw new ConfigError([...problems, ...service.problems])
  // A connector stands in pipelines as the exporter of one and the receiver of another.
  const named = {
    ...sections,
    receivers: alsoWritten(sections.receivers, connectors.written),
    exporters: alsoWritten(sections.exporters, connectors.written),
  }
  const pipelines = checkPipelines(service.config, named, top, problems)
  checkFiles(sections.exporters, pipelines, top, problems)
  if (problems.length > 0) throw new ConfigError(problems)
  return {
    receivers: sections.receivers.configured,
    processors: sections.processors.configured,
    exporters: sections.exporters.configured,
    extensions: sections.extensions.configured,
    pipelines,
    service: service.config,
    written: root,
    warnings,
  }
}

function checkTop(root: ConfigNode, problems: ConfigProblem[]): MapNode {
  if (root.kind !== 'map') {
    const empty = root.kind === 'scalar' && root.value === null
    const message = empty ? 'empty configuration file' : `expected ${TOP_LEVEL.join(', ')} as keys`
    throw new ConfigError([...problems, { at: root.at, path: '', message }])
  }
  for (const [key, entry] of root.entries) {
    if (TOP_LEVEL.includes(key)) continue
    const hint = didYouMean(key, TOP_LEVEL) || `; known are ${TOP_LEVEL.join(', ')}`
    problems.push({ at: entry.keyAt, path: key, message: `is not known here${hint}` })
  }
  for (const [section, name] of [
    ['receivers', 'receiver'],
    ['exporters', 'exporter'],
  ] as const) {
    const node = nodeAt(root, [section])
    if (
      node === null ||
      (node.kind === 'map' && node.entries.size === 0) ||
      (node.kind === 'scalar' && node.value === null)
    ) {
      problems.push({ at: node?.at ?? root.at, path: '', message: `no ${name} configuration specified in config` })
    }
  }
  return root
}

function checkAmbiguous(
  exporters: ReadonlySet<string>,
  connectors: ReadonlySet<string>,
  root: MapNode,
  problems: ConfigProblem[],
): void {
  for (const id of connectors) {
    if (!exporters.has(id)) continue
    const section = nodeAt(root, ['connectors'])
    const at = (section?.kind === 'map' ? section.entries.get(id)?.keyAt : undefined) ?? root.at
    problems.push({
      at,
      path: `connectors::${id}`,
      message: `ambiguous ID: Found both "${id}" exporter and "${id}" connector. Change one of the components' IDs to eliminate ambiguity (e.g. rename "${id}" connector to "${id}/connector")`,
    })
  }
}

function alsoWritten<F>({ configured, written }: Section<F>, ids: ReadonlySet<string>): Section<F> {
  return { configured, written: new Set([...written, ...ids]) }
}

function emptyMap(root: ConfigNode): ConfigNode {
  return { kind: 'map', at: root.at, entries: new Map() }
}
