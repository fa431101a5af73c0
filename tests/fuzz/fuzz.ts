import { isDeepStrictEqual } from 'node:util'
import { countItems } from '../../otlp/count-items.ts'
import { jsonToProtobuf } from '../../otlp/json/json-to-protobuf.ts'
import { protobufToJson } from '../../otlp/json/protobuf-to-json.ts'
import { Malformed } from '../../otlp/malformed.ts'
import { noisy, Random } from '../support/wire-noise.ts'
import { mutated } from './mutate.ts'

/** For each of four readers: a million together. */
export const CASES = 250_000

/**
 * Calls `read` with mutations of unusual forms of a request. Each stands in the middle of memory that must not be read: now
 * and then it is read a second time with other bytes around it, and has to say the same.
 */
export function fuzz(seed: number, type: string, request: Uint8Array, read: (bytes: Uint8Array) => unknown): void {
  const random = new Random(seed)
  const forms = [request, ...Array.from({ length: 15 }, () => noisy(type, request, random))]
  for (let i = 0; i < CASES; i++) {
    const bytes = mutated(forms[i % forms.length]!, random)
    try {
      const said = read(surrounded(bytes, 0x0a))
      if (i % 4 === 0 && !isDeepStrictEqual(read(surrounded(bytes, 0xff)), said))
        throw new Error('what is said depends on what lies around the request')
    } catch (cause) {
      throw new Error(`case ${i}: ${Buffer.from(bytes).toString('hex')}`, { cause })
    }
  }
}

/** The same bytes within others: whoever reads beyond them meets those, and says something else. */
function surrounded(bytes: Uint8Array, filling: number): Uint8Array {
  const memory = new Uint8Array(bytes.length + 32).fill(filling)
  memory.set(bytes, 16)
  return memory.subarray(16, 16 + bytes.length)
}

/** What a request says as JSON, which can be read again. */
export function throughJson(signal: 'traces' | 'metrics', bytes: Uint8Array): unknown {
  const items = countItems(signal, bytes)
  const json = protobufToJson(signal, bytes)
  if (json instanceof Malformed) return json.message
  const again = jsonToProtobuf(signal, json)
  if (!(again instanceof Uint8Array)) throw new Error(`the JSON cannot be read again: ${again.message}`)
  return [json.toString('latin1'), typeof items === 'number' ? items : items.message]
}
