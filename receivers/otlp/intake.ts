import type { Batch } from '../../component/batch.ts'
import type { NextBySignal, ReceiverSettings } from '../../component/component.ts'
import { ACCEPTED, type Outcome, refused } from '../../component/consumer.ts'
import { type ErrorCode, GatewayError } from '../../component/errors.ts'
import type { Signal } from '../../component/signal.ts'
import { Source } from '../../otlp/source.ts'
import { RareLines } from '../../telemetry/rare-lines.ts'
import { type HeldBytes, memoryExhausted, tooLargeForMemory } from './body.ts'
import { type Coding, decompress } from './decompress.ts'
import { parsedBytes } from './json-weight.ts'
import { BatchReader, jsonBody } from './read-batch.ts'

export type BodyFormat = 'protobuf' | 'json'

/** Errors that are the request's or our own fault; any other leaves good data with its sender. */
const FAILURES: ReadonlySet<ErrorCode> = new Set([
  'malformed_request',
  'message_too_large',
  'unsupported_encoding',
  'internal',
])

/**
 * The way of a request from its last byte to its outcome, the same for both protocols: decompress, scan, hand on, settle.
 * The ledger moves once a request, in one turn of the event loop, when the outcome is known; what was refused before its
 * items could be counted appears under requests only.
 */
export class Intake {
  readonly settings: ReceiverSettings
  readonly #next: NextBySignal
  readonly #reader: BatchReader
  readonly #lines: RareLines

  constructor(settings: ReceiverSettings, next: NextBySignal) {
    this.settings = settings
    this.#next = next
    this.#reader = new BatchReader(settings.budget)
    this.#lines = new RareLines(settings.logger, settings.clock)
  }

  serves(signal: Signal): boolean {
    return this.#next[signal] !== undefined
  }

  /** Takes over the bytes and their room in the budget. Never rejects and never throws. */
  take(
    signal: Signal,
    held: HeldBytes,
    coding: Coding,
    format: BodyFormat,
    limitBytes: number,
    limitName: string,
  ): Outcome | Promise<Outcome> {
    if (coding === 'identity') return this.#read(signal, held, format)
    return decompress(held, coding, this.settings.budget, limitBytes, limitName).then((inflated) =>
      inflated instanceof GatewayError ? this.turnAway(signal, inflated) : this.#read(signal, inflated, format),
    )
  }

  /** Counts a request that ended before it became data. */
  turnAway(signal: Signal, error: GatewayError): Outcome {
    const { requests } = this.settings.ledgers[signal]
    if (FAILURES.has(error.code)) requests.failure++
    else requests.refused++
    return refused(error)
  }

  #read(signal: Signal, held: HeldBytes, format: BodyFormat): Outcome | Promise<Outcome> {
    const { budget } = this.settings
    let protobuf = held
    if (format === 'json') {
      const converted = this.#fromJson(signal, held)
      if (converted instanceof GatewayError) return this.turnAway(signal, converted)
      protobuf = converted
    }
    let reservedBytes = protobuf.reservedBytes
    const { buffer } = protobuf
    const source = new Source(protobuf.bytes, (isUnused) => {
      budget.release(reservedBytes)
      if (isUnused && buffer !== null) budget.memory.give(buffer.buffer)
    })
    let batch: Batch | GatewayError
    try {
      batch = this.#reader.read(signal, source)
    } catch (error) {
      batch = this.#defect(error)
    }
    if (batch instanceof GatewayError) {
      source.release()
      return this.turnAway(signal, batch)
    }
    if (batch.signal === 'traces') {
      const rowBytes = batch.table.byteLength
      const error = this.#reserve(rowBytes)
      if (error !== null) {
        batch.release()
        return this.turnAway(signal, error)
      }
      reservedBytes += rowBytes
    }
    return this.#handOn(batch)
  }

  #fromJson(signal: Signal, held: HeldBytes): HeldBytes | GatewayError {
    const { budget } = this.settings
    const parsingBytes = parsedBytes(held.bytes)
    const error = this.#reserve(parsingBytes)
    if (error !== null) {
      budget.release(held.reservedBytes)
      return error
    }
    try {
      const bytes = jsonBody(signal, held.bytes)
      if (bytes instanceof GatewayError) return bytes
      return this.#reserve(bytes.length) ?? { bytes, reservedBytes: bytes.length, buffer: null }
    } catch (error) {
      return this.#defect(error)
    } finally {
      budget.release(held.reservedBytes + parsingBytes)
    }
  }

  /** Room for what a request becomes here; an error that says whether it is worth to come back. */
  #reserve(bytes: number): GatewayError | null {
    const { budget } = this.settings
    if (budget.reserve(bytes)) return null
    return bytes > budget.limitBytes ? tooLargeForMemory(bytes, budget) : memoryExhausted(bytes, budget)
  }

  #handOn(batch: Batch): Outcome | Promise<Outcome> {
    const items = batch.itemCount
    if (items === 0) return this.#settle(batch, items, ACCEPTED)
    try {
      const outcome =
        batch.signal === 'traces' ? this.#next.traces!.consume(batch) : this.#next[batch.signal]!.consume(batch)
      if (!(outcome instanceof Promise)) return this.#settle(batch, items, outcome)
      return outcome.then(
        (settled) => this.#settle(batch, items, settled),
        (error: unknown) => this.#settle(batch, items, refused(this.#defect(error))),
      )
    } catch (error) {
      return this.#settle(batch, items, refused(this.#defect(error)))
    }
  }

  #settle(batch: Batch, items: number, outcome: Outcome): Outcome {
    const ledger = this.settings.ledgers[batch.signal]
    batch.release()
    ledger.received += items
    if (outcome.kind !== 'refused') {
      ledger.accepted += items
      ledger.requests.success++
    } else if (FAILURES.has(outcome.error.code)) {
      ledger.failed += items
      ledger.requests.failure++
    } else {
      ledger.refused += items
      ledger.requests.refused++
    }
    return outcome
  }

  #defect(error: unknown): GatewayError {
    this.#lines.error('a request met a defect of the gateway', { error })
    return new GatewayError('internal', 'internal error of the gateway; its log says more', {
      retryable: false,
      cause: error,
    })
  }
}
