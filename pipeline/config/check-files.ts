import type { AnyExporterFactory } from '../../component/component.ts'
import type { Section } from './check-components.ts'
import type { PipelineConfig } from './gateway-config.ts'
import { keyPosition, type MapNode } from './node.ts'
import type { ConfigProblem } from './problems.ts'

/** Two exporters that write one file would overwrite one another. Those that no pipeline uses write nothing. */
export function checkFiles(
  exporters: Section<AnyExporterFactory>,
  pipelines: readonly PipelineConfig[],
  root: MapNode,
  problems: ConfigProblem[],
): void {
  const writers = new Map<string, string>()
  for (const { id, factory, config } of exporters.configured.values()) {
    const file = factory.fileOf?.(config)
    if (file === undefined || !pipelines.some((pipeline) => pipeline.exporters.includes(id))) continue
    const other = writers.get(file)
    if (other === undefined) writers.set(file, id)
    else
      problems.push({
        at: keyPosition(root, ['exporters'], id),
        path: `exporters.${id}.path`,
        message: `"${other}" and "${id}" would both write ${file}, each over the other; give them paths of their own, or use one of them in both pipelines`,
      })
  }
}
