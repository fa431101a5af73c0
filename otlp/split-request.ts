import { bytesField } from './encode-fields.ts'
import { WireReader, WireType } from './wire.ts'

/**
 * The way from a request down to what is counted: the fields of each message that hold the next one; all other fields of
 * a message are its head and are repeated in each piece.
 *
 *     logs      resource_logs 1      scope_logs 2      log_records 2
 *     metrics   resource_metrics 1   scope_metrics 2   metrics 2    gauge 5, sum 7, histogram 9,       data_points 1
 *                                                                   exponential_histogram 10, summary 11
 *     profiles  resource_profiles 1  scope_profiles 2  profiles 2
 */
const LEVELS = {
  logs: [[1], [2], [2]],
  metrics: [[1], [2], [2], [5, 7, 9, 10, 11], [1]],
  profiles: [[1], [2], [2]],
} as const satisfies Record<string, readonly (readonly number[])[]>

export interface Piece {
  readonly bytes: Uint8Array
  readonly items: number
}

/** Cuts a request (or several, one behind the other) into requests of at most `maxItems` items, in their order. */
export function splitRequest(signal: keyof typeof LEVELS, bytes: Uint8Array, maxItems: number): Piece[] {
  return new Splitter(LEVELS[signal], maxItems).split(bytes, 0, maxItems).filter((piece) => piece.items > 0)
}

class Splitter {
  readonly #levels: readonly (readonly number[])[]
  readonly #maxItems: number

  constructor(levels: readonly (readonly number[])[], maxItems: number) {
    this.#levels = levels
    this.#maxItems = maxItems
  }

  /** The message in pieces: the first with at most `room` items, the others with at most `maxItems`. */
  split(bytes: Uint8Array, depth: number, room: number): Piece[] {
    const pieces: Piece[] = []
    const { head, children } = this.#read(bytes, depth)
    let parts: Uint8Array[] = []
    let items = 0
    let left = room
    const close = (): void => {
      pieces.push({ bytes: Buffer.concat([...head, ...parts]), items })
      parts = []
      items = 0
      left = this.#maxItems
    }
    for (const { field, body } of children) {
      if (left === 0) close()
      for (const [i, piece] of this.#piecesOf(body, depth, left).entries()) {
        if (i > 0) close()
        parts.push(bytesField(field, piece.bytes))
        items += piece.items
        left -= piece.items
      }
    }
    close()
    return pieces
  }

  #piecesOf(body: Uint8Array, depth: number, room: number): Piece[] {
    const isItem = depth === this.#levels.length - 1
    return isItem ? [{ bytes: body, items: 1 }] : this.split(body, depth + 1, room)
  }

  #read(bytes: Uint8Array, depth: number): { head: Uint8Array[]; children: { field: number; body: Uint8Array }[] } {
    const fields = this.#levels[depth]!
    const reader = new WireReader(bytes)
    const head: Uint8Array[] = []
    const children: { field: number; body: Uint8Array }[] = []
    for (let start = 0; reader.next(); start = reader.at) {
      const { field, type } = reader
      if (type === WireType.bytes && fields.includes(field)) {
        const end = reader.lengthEnd()
        children.push({ field, body: bytes.subarray(reader.at, end) })
        reader.at = end
      } else {
        reader.skip()
        head.push(bytes.subarray(start, reader.at))
      }
    }
    return { head, children }
  }
}
