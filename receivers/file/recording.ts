import { jsonToProtobuf, jsonToRequests, type SignalBytes } from '../../otlp/json/json-to-protobuf.ts'
import { MalformedJson } from '../../otlp/json/malformed-json.ts'
import { ProtoWriter } from '../../otlp/json/proto-writer.ts'
import type { RequestSignal } from '../../otlp/request.ts'
import { RecordingBytes, type WholeCompression } from './chunks.ts'
import { type Encoding, type Framing, MessageSplitter, type RawMessage } from './splitter.ts'
import { signalOf } from './told-signal.ts'

/** At first: a writer grows with its largest request. */
const WRITER_BYTES = 64 * 1024

/**
 * A recording on disk: OTLP JSON lines or framed protobuf, plain or compressed, of one signal or of several. Everything
 * about it is told by content. It can be read more than once, from the start each time.
 */
export class Recording {
  readonly path: string
  readonly #bytes: RecordingBytes
  readonly #signal: RequestSignal | null
  /** Where lines of JSON become protobuf, one after the other. */
  readonly #writer = new ProtoWriter(WRITER_BYTES)
  /** Messages, or what was left of them, that are no OTLP: torn, malformed. */
  rejected = 0
  /** Messages whose signal could not be told; nearly always empty requests. */
  undecided = 0
  /** Why the first rejected message was rejected. */
  firstRejection: string | null = null
  framing: Framing = 'unknown'
  /** Of the first message. */
  encoding: Encoding | null = null

  /** `signal` is what all its messages are taken for; null where content tells. */
  constructor(path: string, signal: RequestSignal | null = null) {
    this.path = path
    this.#bytes = new RecordingBytes(path)
    this.#signal = signal
  }

  get compression(): WholeCompression {
    return this.#bytes.compression
  }

  /** How far the file has been read, before decompression. */
  get bytesRead(): number {
    return this.#bytes.bytesRead
  }

  /** Its messages as they lie there, in groups as they become readable; a group is good until the next is asked for. */
  async *rawMessages(): AsyncGenerator<RawMessage[]> {
    const splitter = new MessageSplitter()
    this.rejected = 0
    this.undecided = 0
    this.firstRejection = null
    for await (const chunk of this.#bytes.chunks()) {
      const messages = splitter.push(chunk)
      this.framing = splitter.framing
      if (messages.length > 0) {
        this.encoding ??= messages[0]!.encoding
        yield messages
      }
      if (splitter.damage !== null) break
    }
    const rest = splitter.end()
    if (rest.length > 0) {
      this.encoding ??= rest[0]!.encoding
      yield rest
    }
    if (splitter.damage !== null) this.reject(splitter.damage, splitter.rejected)
    else if (splitter.rejected > 0) this.reject('the last message breaks off', splitter.rejected)
    // Half a line that damage left behind counts when it turns out to be no JSON.
    if (this.#bytes.damage !== null) this.reject(this.#bytes.damage, splitter.rejected + rest.length === 0 ? 1 : 0)
  }

  /**
   * The requests in a message: one as a rule, none where it is rejected or undecided, several where JSON mixes signals.
   * They are good until those of the next message are asked for, which may lie in the same memory.
   */
  requestsIn(message: RawMessage): readonly SignalBytes[] {
    return message.encoding === 'json' ? this.#jsonRequests(message.bytes) : this.#protobufRequests(message.bytes)
  }

  reject(why: string, messages = 1): void {
    this.rejected += messages
    this.firstRejection ??= why
  }

  #jsonRequests(bytes: Buffer): readonly SignalBytes[] {
    const signal = this.#signal
    if (signal === null) {
      const requests = jsonToRequests(bytes, this.#writer)
      if (requests instanceof MalformedJson) {
        this.reject(requests.message)
        return []
      }
      if (requests.length === 0) this.undecided++
      return requests
    }
    const request = jsonToProtobuf(signal, bytes)
    if (request instanceof MalformedJson) {
      this.reject(request.message)
      return []
    }
    return [{ signal, bytes: request }]
  }

  #protobufRequests(bytes: Buffer): readonly SignalBytes[] {
    const signal = this.#signal ?? signalOf(bytes)
    if (signal === 'undecided') this.undecided++
    else if (signal === 'malformed') this.reject('a message is no OTLP request in protobuf')
    else return [{ signal, bytes }]
    return []
  }
}
