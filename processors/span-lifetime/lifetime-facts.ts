import type { TracesBatch } from '../../component/batch.ts'
import type { Operations } from '../../otlp/operations.ts'
import type { ResourceRef } from '../../otlp/resource.ts'
import { ResourceNumbers, UNKNOWN } from '../../otlp/resource-numbers.ts'
import { Column, ROW_WORDS, SpanKind } from '../../otlp/span-table.ts'
import { ClockTable } from './clock-table.ts'
import type { SpanLifetimeConfig } from './config.ts'
import { EffectiveEnds } from './effective-ends.ts'

/** A batch of whole traces with what all rules on lifetimes read off it. */
export class LifetimeFacts {
  batch!: TracesBatch
  /** Operation id by row. */
  operations = new Int32Array(1024)
  /** Service id by resource of the table. */
  services = new Int32Array(64)
  /** Clock source by resource of the table. */
  sources = new Int32Array(64)
  readonly clocks: ClockTable
  /** When the work of each row was over. */
  readonly ends: EffectiveEnds
  readonly registry: Operations
  readonly #sourceByResource = new ResourceNumbers()
  #epoch = 0

  constructor(registry: Operations, config: Pick<SpanLifetimeConfig, 'max_clocks' | 'detached_operations'>) {
    this.registry = registry
    this.clocks = new ClockTable(config.max_clocks)
    this.ends = new EffectiveEnds(config)
  }

  read(batch: TracesBatch): void {
    if (!batch.traces) throw new Error('span_lifetime needs whole traces: put a trace_window before it')
    const { table } = batch
    this.batch = batch
    if (table.count > this.operations.length)
      this.operations = new Int32Array(Math.max(table.count, this.operations.length * 2))
    this.#readResources(table.resources)
    this.registry.ofRows(table, this.services, this.operations)
    this.ends.compute(this)
  }

  /** One look-up for each: of 10 000 services a batch has thousands. */
  #readResources(resources: readonly ResourceRef[]): void {
    if (resources.length > this.services.length) {
      this.services = new Int32Array(2 * resources.length)
      this.sources = new Int32Array(2 * resources.length)
    }
    if (this.#epoch !== this.clocks.epoch) {
      this.#sourceByResource.clear()
      this.#epoch = this.clocks.epoch
    }
    for (let i = 0; i < resources.length; i++) {
      this.services[i] = this.registry.serviceOf(resources[i]!)
      this.sources[i] = this.#clockOf(resources[i]!)
    }
  }

  #clockOf(resource: ResourceRef): number {
    const known = this.#sourceByResource.of(resource)
    if (known !== UNKNOWN) return known
    const source = this.clocks.sourceOf(resource)
    this.#sourceByResource.set(resource, source)
    return source
  }

  /** The clock source of a row. */
  sourceOf(row: number): number {
    return this.sources[this.batch.table.words[row * ROW_WORDS + Column.resource]!]!
  }

  serviceOf(row: number): number {
    return this.services[this.batch.table.words[row * ROW_WORDS + Column.resource]!]!
  }

  /**
   * Whether child and parent ran in one process: the same resource, or the same service by the same clock where the
   * child is no request that came in from outside (another replica on the same machine).
   */
  sameProcess(child: number, parent: number): boolean {
    const { table } = this.batch
    if (table.get(child, Column.resource) === table.get(parent, Column.resource)) return true
    const kind = table.kind(child)
    if (kind === SpanKind.server || kind === SpanKind.consumer) return false
    const source = this.sourceOf(child)
    return source >= 0 && source === this.sourceOf(parent) && this.serviceOf(child) === this.serviceOf(parent)
  }

  /** Whether the times of two rows can be compared: taken by one clock, or by clocks whose offset is known. */
  comparable(a: number, b: number): boolean {
    const { table } = this.batch
    if (table.get(a, Column.resource) === table.get(b, Column.resource)) return true
    const left = this.sourceOf(a)
    const right = this.sourceOf(b)
    return this.clocks.sameDomain(left, right) || this.clocks.comparable(left, right)
  }

  /** How far the clock of one row is ahead of the other's; 0 where it is the same or nothing is known. */
  clockDifferenceNano(a: number, b: number): number {
    const left = this.sourceOf(a)
    const right = this.sourceOf(b)
    const { clocks } = this
    if (left === right || clocks.sameDomain(left, right) || !clocks.comparable(left, right)) return 0
    const timeS = this.batch.table.timeMs(a, Column.end) / 1000
    return clocks.offsetNano(left, timeS) - clocks.offsetNano(right, timeS)
  }

  /** By how much that difference may be wrong. */
  clockUncertaintyNano(a: number, b: number): number {
    const left = this.sourceOf(a)
    const right = this.sourceOf(b)
    if (left === right || this.clocks.sameDomain(left, right)) return 0
    return Math.hypot(this.clocks.halfWidthNano(left), this.clocks.halfWidthNano(right))
  }

  /** How far the clock of a row is ahead of its reference; 0 where that is unknown, or too little to matter. */
  appliedOffsetNano(row: number): number {
    const source = this.sourceOf(row)
    if (!this.clocks.isOff(source)) return 0
    return this.clocks.offsetNano(source, this.batch.table.timeMs(row, Column.start) / 1000)
  }
}
