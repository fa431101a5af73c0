import { existsSync } from 'node:fs'
import type { Component } from '../component/component.ts'
import type { PipelineConfig } from '../pipeline/config/gateway-config.ts'
import { withoutUserInfo } from '../pipeline/config/secrets.ts'
import type { Service } from '../pipeline/service.ts'

export interface StartMessage {
  readonly text: string
  readonly fields: Readonly<Record<string, unknown>>
}

/** Where it listens, what it does with the data, how to try it. */
export function startMessage(service: Service, version: string): StartMessage {
  const listens = service.gateway.receivers.flatMap(({ id, component }) =>
    addressesOf(component).map(([protocol, address]) => ({ id, protocol, address })),
  )
  const metrics = service.ownMetrics.endpoints.map((endpoint) => `http://${endpoint.address}/metrics`)
  const pipelines = service.config.pipelines.map((pipeline) => ({ id: pipeline.id, way: wayOf(pipeline, service) }))
  const width = Math.max(0, ...pipelines.map(({ id }) => id.length))
  const lines = [
    `Blindspot ${version} is running.`,
    '',
    ...listens.map(
      ({ id, protocol, address }) => `  Send ${PROTOCOLS[protocol] ?? protocol} to ${address} (receiver "${id}").`,
    ),
    ...metrics.map((url) => `  The gateway's own metrics are at ${url}.`),
    '',
    ...pipelines.map(({ id, way }) => `  ${id.padEnd(width)}  ${way}`),
    '',
    // A checkout has the demo, an installed package has not.
    ...(existsSync('cli/main.ts') ? ['  To see it find something, in a second terminal: npm run demo'] : []),
    '  Ctrl+C stops it and sends on what it holds.',
    '',
  ]
  return { text: lines.join('\n'), fields: { listens, metrics, pipelines } }
}

const PROTOCOLS: Readonly<Record<string, string>> = { grpc: 'OTLP over gRPC', http: 'OTLP over HTTP' }

/** Receivers that listen say where, once they are started. */
function addressesOf(component: Component): [string, string][] {
  const { addresses } = component as { addresses?: ReadonlyMap<string, string> }
  return addresses === undefined ? [] : [...addresses]
}

function wayOf(pipeline: PipelineConfig, service: Service): string {
  const exporters = pipeline.exporters.map((id) => {
    const where = destinationOf(service.config.exporters.get(id)!.config)
    return where === null ? id : `${id} (${where})`
  })
  return [pipeline.receivers.join(', '), ...pipeline.processors, exporters.join(', ')].join(' > ')
}

/** What an exporter is pointed at, under whichever name its configuration has it. */
function destinationOf(config: unknown): string | null {
  const { endpoint, path } = config as { endpoint?: unknown; path?: unknown }
  if (typeof endpoint === 'string') return withoutUserInfo(endpoint)
  return typeof path === 'string' ? path : null
}
