import type { OwnMetricsOptions } from '../telemetry/own-metrics.ts'
import type { TelemetryConfig } from './config/service-config.ts'

type Reader = NonNullable<TelemetryConfig['metrics']['readers']>[number]
type Otlp = NonNullable<NonNullable<Reader['periodic']>['exporter']['otlp']>

/** `service.telemetry` as the options of the own metrics: a Prometheus endpoint on 127.0.0.1:8888 unless told otherwise. */
export function ownMetricsOptions(config: TelemetryConfig, version: string): OwnMetricsOptions {
  const { level, address, readers } = config.metrics
  const resource = config.resource
  if (level === 'none') return { version, resource, prometheus: [], otlp: [] }
  const prometheus = (readers ?? []).flatMap((reader) => {
    const own = reader.pull?.exporter.prometheus
    return own === undefined
      ? []
      : [
          {
            host: own.host,
            port: own.port,
            withoutTypeSuffix: own.without_type_suffix,
            withoutScopeInfo: own.without_scope_info,
          },
        ]
  })
  if (address !== undefined || readers === undefined) {
    const [, host = '', port = ''] = /^(.*):(\d+)$/.exec(address ?? '127.0.0.1:8888') ?? []
    // `:8888` listens everywhere, as in Go.
    prometheus.push({
      host: host.replace(/^\[|\]$/g, '') || '::',
      port: Number(port),
      withoutTypeSuffix: true,
      withoutScopeInfo: true,
    })
  }
  const otlp = (readers ?? []).flatMap(({ periodic }) => {
    if (periodic === undefined) return []
    return [periodic.exporter.otlp, periodic.exporter.otlp_grpc]
      .filter((exporter) => exporter !== undefined)
      .map((exporter) => ({
        endpoint: withScheme(exporter),
        headers: headersOf(exporter),
        gzip: exporter.compression === 'gzip',
        temporality: exporter.temporality_preference,
        intervalMs: periodic.interval,
        timeoutMs: Math.min(periodic.timeout, exporter.timeout),
      }))
  })
  return { version, resource, prometheus, otlp }
}

function withScheme(exporter: Otlp): string {
  if (/^https?:\/\//.test(exporter.endpoint)) return exporter.endpoint
  return `${exporter.insecure === true ? 'http' : 'https'}://${exporter.endpoint}`
}

function headersOf({ headers = {}, headers_list = '' }: Otlp): Record<string, string> {
  const named = Array.isArray(headers) ? headers.map(({ name, value }) => [name, value]) : Object.entries(headers)
  const listed = headers_list
    .split(',')
    .filter((pair) => pair.includes('='))
    .map((pair) => [
      pair.slice(0, pair.indexOf('=')).trim(),
      decodeURIComponent(pair.slice(pair.indexOf('=') + 1).trim()),
    ])
  return Object.fromEntries([...named, ...listed])
}
