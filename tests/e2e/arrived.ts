import type { Signal } from '../../component/signal.ts'
import { decodeRequest, type OtlpJson } from '../support/otlp-oracle.ts'
import type { OtlpGrpcSink } from '../support/otlp-sink.ts'

interface KeyValue {
  readonly key: string
  readonly value: { readonly stringValue?: string; readonly arrayValue?: { readonly values: readonly OtlpJson[] } }
}

export interface ArrivedSpan {
  readonly service: string
  readonly name: string
  readonly traceId: string
  readonly spanId: string
  readonly parentSpanId?: string
  readonly startTimeUnixNano: string
  readonly endTimeUnixNano: string
  readonly attributes: readonly KeyValue[]
}

/** What a sink has, one item each, decoded by the oracle, with the service that it is of. */
export class Arrived {
  readonly spans: readonly ArrivedSpan[]
  /** Names of metrics by service. */
  readonly metrics: ReadonlyMap<string, ReadonlySet<string>>
  /** Attributes of every data point, beside the metric's name. */
  readonly points: readonly { readonly metric: string; readonly attributes: Readonly<Record<string, string>> }[]
  readonly logs: readonly { readonly eventName: string; readonly attributes: Readonly<Record<string, string>> }[]

  constructor(sink: OtlpGrpcSink) {
    this.spans = itemsOf(sink, 'traces', 'Spans', 'spans').map(
      (span) => ({ attributes: [], ...span }) as unknown as ArrivedSpan,
    )
    const metrics = itemsOf(sink, 'metrics', 'Metrics', 'metrics')
    const names = new Map<string, Set<string>>()
    for (const { service, name } of metrics) {
      const ofService = names.get(service as string) ?? new Set()
      names.set(service as string, ofService.add(name as string))
    }
    this.metrics = names
    this.points = metrics.flatMap((metric) =>
      ['gauge', 'sum', 'histogram', 'exponentialHistogram'].flatMap((kind) =>
        list(metric[kind] as OtlpJson | undefined, 'dataPoints').map((point) => ({
          metric: metric.name as string,
          attributes: texts(point.attributes as KeyValue[]),
        })),
      ),
    )
    this.logs = itemsOf(sink, 'logs', 'Logs', 'logRecords').map((log) => ({
      eventName: log.eventName as string,
      attributes: texts(log.attributes as KeyValue[]),
    }))
  }
}

/** The rules that a span is marked with. */
export function rulesOf(span: ArrivedSpan): readonly unknown[] {
  const marks = span.attributes.find(({ key }) => key === 'blindspot.rules')
  return (marks?.value.arrayValue?.values ?? []).map((value) => value.stringValue)
}

/** Resolves when the sink has so many spans: a gateway that is stopped before sends on unjudged what it still holds. */
export async function spansArrived(sink: OtlpGrpcSink, count: number): Promise<void> {
  while (new Arrived(sink).spans.length < count) await sink.taken(sink.requests.length + 1)
}

/** All items of a signal, each with `service.name` of its resource as `service`. */
function itemsOf(sink: OtlpGrpcSink, signal: Signal, kind: string, items: string): OtlpJson[] {
  return sink.requests
    .filter((request) => request.signal === signal)
    .flatMap(({ bytes }) => list(decodeRequest(signal, bytes), `resource${kind}`))
    .flatMap((resource) => {
      const service = texts(list(resource.resource as OtlpJson, 'attributes') as unknown as KeyValue[])['service.name']
      return list(resource, `scope${kind}`)
        .flatMap((scope) => list(scope, items))
        .map((item) => ({ ...item, service }))
    })
}

function list(parent: OtlpJson | undefined, field: string): OtlpJson[] {
  return (parent?.[field] ?? []) as OtlpJson[]
}

function texts(attributes: readonly KeyValue[] = []): Record<string, string> {
  return Object.fromEntries(attributes.map(({ key, value }) => [key, value.stringValue ?? JSON.stringify(value)]))
}
