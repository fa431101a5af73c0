import type { RegistryOptions } from '../findings/registry.ts'
import type { FindingsConfig } from './config/service-config.ts'

/** `service.findings` as the options of the registry of findings. */
export function findingsOptions(config: FindingsConfig): Omit<RegistryOptions, 'clock' | 'logger' | 'evidenceLimit'> {
  return {
    minConfidence: config.min_confidence,
    resolveAfterMs: config.resolve_after,
    maxSeries: config.max_series,
    maxFindings: config.max_findings,
  }
}
