import type { Signal } from '../../component/signal.ts'
import { findingLine } from './finding-line.ts'
import { anyValue, type Json, listOf, METRIC_KINDS, objectOf, pairsOf, SHAPES, textOf } from './otlp-json.ts'

const TITLES = { traces: 'Traces', metrics: 'Metrics', logs: 'Logs' } as const

/** About one line for each item, below one for its resource and one for its scope; the lines are the Collector's. */
export function normalLines(signal: Exclude<Signal, 'profiles'>, request: Json): string[] {
  const shape = SHAPES[signal]
  return listOf(request, shape.resources).flatMap((resource, i) => [
    `Resource${TITLES[signal]} #${i}${inline(listOf(objectOf(resource, 'resource'), 'attributes'))}`,
    ...listOf(resource, shape.scopes).flatMap((scope, j) => [
      `  Scope${TITLES[signal]} #${j}${scopeName(objectOf(scope, 'scope'))}`,
      ...listOf(scope, shape.items)
        .flatMap((item) => itemLines(signal, item))
        .map((line) => `    ${line}`),
    ]),
  ])
}

function scopeName(scope: Json): string {
  const name = textOf(scope, 'name')
  const version = textOf(scope, 'version')
  return `${name === '' ? '' : ` ${name}`}${version === '' ? '' : `@${version}`}`
}

function itemLines(signal: Exclude<Signal, 'profiles'>, item: Json): string[] {
  switch (signal) {
    case 'traces':
      return [
        `${textOf(item, 'name')} ${textOf(item, 'traceId')} ${textOf(item, 'spanId')}${inline(listOf(item, 'attributes'))}`,
      ]
    case 'metrics':
      return METRIC_KINDS.flatMap((kind) =>
        listOf(objectOf(item, kind), 'dataPoints').map((point) => pointLine(textOf(item, 'name'), point)),
      )
    case 'logs':
      return [findingLine(item) ?? `${anyValue(objectOf(item, 'body')).text}${inline(listOf(item, 'attributes'))}`]
  }
}

/** The attributes behind an item, each after a space. */
function inline(attributes: readonly Json[]): string {
  return pairsOf(attributes)
    .map((pair) => ` ${pair}`)
    .join('')
}

function pointLine(name: string, point: Json): string {
  const attributes = pairsOf(listOf(point, 'attributes')).join(',')
  const value = point.asDouble ?? point.asInt
  return `${name}{${attributes}} ${value === undefined ? distribution(point) : String(value)}`
}

/** Histograms, exponential ones and summaries, as far as they say it. */
function distribution(point: Json): string {
  const numbers = ['count', 'sum', 'min', 'max']
    .filter((key) => point[key] !== undefined)
    .map((key) => `${key}=${String(point[key])}`)
  const bounds = (point.explicitBounds as readonly unknown[] | undefined) ?? []
  const counts = (point.bucketCounts as readonly unknown[] | undefined) ?? []
  const buckets = counts.map((count, i) => `le${String(bounds[i] ?? '+Inf')}=${String(count)}`)
  const quantiles = listOf(point, 'quantileValues').map(
    (q) => `q${textOf(q, 'quantile') || '0'}=${textOf(q, 'value') || '0'}`,
  )
  return [...numbers, ...buckets, ...quantiles].join(' ')
}
