import { promisify } from 'node:util'
import { gzip } from 'node:zlib'
import type { Clock, Timer } from '../../component/clock.ts'
import { GatewayError } from '../../component/errors.ts'
import { Malformed } from '../../otlp/malformed.ts'
import type { OutgoingRequest } from '../sending/outgoing.ts'
import type { Sender, SendResult } from '../sending/sender.ts'
import type { FileConfig } from './config.ts'
import { frame } from './framing.ts'
import { RotatingFile } from './rotating-file.ts'

/** What is written, and with gzip compressed, at once: a system call and a gzip member for each. */
const CHUNK_BYTES = 1024 * 1024

const SENT: SendResult = { kind: 'sent', partial: null }

interface Pending {
  readonly request: OutgoingRequest
  readonly settle: (result: SendResult) => void
}

/**
 * Writes requests one after another, many in a chunk where they come faster than the disk takes them. A request counts
 * as sent when the system has its bytes.
 */
export class FileSender implements Sender {
  readonly #config: FileConfig
  readonly #clock: Clock
  readonly #file: RotatingFile
  #pending: Pending[] = []
  #pendingBytes = 0
  #writing: Promise<void> | null = null
  #timer: Timer | null = null
  #hurried = false

  constructor(config: FileConfig, clock: Clock) {
    this.#config = config
    this.#clock = clock
    this.#file = new RotatingFile(config, clock)
  }

  async start(): Promise<void> {
    try {
      await this.#file.open()
    } catch (cause) {
      const message = `the file ${this.#config.path} cannot be opened: ${messageOf(cause)}; set path to one that can be written`
      throw new GatewayError('start_failed', message, { retryable: false, cause })
    }
  }

  send(request: OutgoingRequest): Promise<SendResult> {
    return new Promise((settle) => {
      this.#pending.push({ request, settle })
      this.#pendingBytes += request.bytes.byteLength
      const collects = this.#config.compression === 'gzip' && !this.#hurried && this.#pendingBytes < CHUNK_BYTES
      if (!collects) this.#write()
      else this.#timer ??= this.#clock.after(this.#config.flush_interval, () => this.#write())
    })
  }

  /** Writes what is there, and from now on collects no more. */
  hurry(): void {
    this.#hurried = true
    this.#write()
  }

  /** What is still there could not be written in time; the chunk that is being written gets to its end. */
  async close(): Promise<void> {
    this.#timer?.cancel()
    for (const { settle } of this.#pending.splice(0)) settle(failed('shutting_down', 'the exporter is stopped', true))
    await this.#writing
    await this.#file.close()
  }

  #write(): void {
    this.#timer?.cancel()
    this.#timer = null
    this.#writing ??= this.#writeAll().finally(() => {
      this.#writing = null
    })
  }

  async #writeAll(): Promise<void> {
    while (this.#pending.length > 0) {
      const { parts, taken } = await this.#nextChunk()
      if (taken.length === 0) continue
      const result = await this.#writeChunk(parts)
      for (const { settle } of taken) settle(result)
    }
  }

  /** The next requests, framed; one that cannot be written in this format is given up here. */
  async #nextChunk(): Promise<{ parts: Uint8Array[]; taken: Pending[] }> {
    const parts: Uint8Array[] = []
    const taken: Pending[] = []
    for (let bytes = 0; bytes < CHUNK_BYTES && this.#pending.length > 0; ) {
      const pending = this.#pending.shift()!
      const { request } = pending
      this.#pendingBytes -= request.bytes.byteLength
      const framed = await frame(request.signal, request.bytes, this.#config)
      if (framed instanceof Malformed) {
        pending.settle(failed('malformed_request', framed.message, false))
        continue
      }
      taken.push(pending)
      parts.push(...framed)
      for (const part of framed) bytes += part.byteLength
    }
    return { parts, taken }
  }

  async #writeChunk(parts: readonly Uint8Array[]): Promise<SendResult> {
    const chunk = Buffer.concat(parts)
    try {
      // Members of gzip one after another are one gzip file.
      await this.#file.write(this.#config.compression === 'gzip' ? await gzipAsync(chunk) : chunk)
      return SENT
    } catch (cause) {
      return failed('backend_unavailable', `the file cannot be written: ${messageOf(cause)}`, true)
    }
  }
}

const gzipAsync = promisify(gzip)

function failed(code: GatewayError['code'], message: string, retryable: boolean): SendResult {
  return { kind: 'failed', error: new GatewayError(code, message, { retryable }) }
}

function messageOf(cause: unknown): string {
  return cause instanceof Error ? cause.message : String(cause)
}
