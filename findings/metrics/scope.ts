import type { ScopeMetrics } from '@opentelemetry/sdk-metrics'

/** The instrumentation scope of every derived metric and finding event. */
export const SCOPE: ScopeMetrics['scope'] = { name: 'blindspot' }
