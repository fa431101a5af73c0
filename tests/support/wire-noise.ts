import protobuf from 'protobufjs'
import { messageType } from './otlp-oracle.ts'

/** A seeded generator (mulberry32), so that a failing property can be run again. */
export class Random {
  #state: number

  constructor(seed: number) {
    this.#state = seed >>> 0
  }

  /** A whole number below `limit`. */
  below(limit: number): number {
    this.#state = (this.#state + 0x6d2b79f5) >>> 0
    let t = this.#state
    t = Math.imul(t ^ (t >>> 15), t | 1)
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61)
    return Math.floor((((t ^ (t >>> 14)) >>> 0) / 4294967296) * limit)
  }

  chance(percent: number): boolean {
    return this.below(100) < percent
  }
}

/** Field numbers from here on are unknown in every message of OTLP, and what noise adds. */
export const FIRST_UNKNOWN_FIELD = 1001

/**
 * The same message written in an unusual but legal way: fields in another order (those of one number keep theirs),
 * unknown fields of every wire type and groups in between, scalars that stand twice (the last counts), packed numbers one
 * by one or in several packs, tags, lengths and numbers as longer varints than they need. `depth` levels of messages are written so; values of attributes stay.
 */
export function noisy(typeName: string, bytes: Uint8Array, random: Random): Uint8Array {
  return rewrite(messageType(typeName), bytes, random)
}

function rewrite(type: protobuf.Type, bytes: Uint8Array, random: Random): Uint8Array {
  const reader = protobuf.Reader.create(bytes)
  const byNumber = new Map<number, Uint8Array[]>()
  while (reader.pos < reader.len) {
    const tag = reader.uint32()
    const number = tag >>> 3
    const start = reader.pos
    reader.skipType(tag & 7)
    const field = type.fieldsById[number]
    const content = bytes.subarray(start, reader.pos)
    const records = byNumber.get(number) ?? []
    if (field !== undefined && !field.repeated && field.partOf === null && random.chance(20))
      records.push(record(number, tag & 7, decoy(field, tag & 7, content), random))
    if (field?.repeated && (tag & 7) === 2 && packedTypeOf(field) !== undefined) {
      records.push(...repacked(field, withoutLength(content), random))
      byNumber.set(number, records)
      continue
    }
    const isMessage = field?.resolvedType instanceof protobuf.Type && !field.resolvedType.name.endsWith('AnyValue')
    records.push(
      isMessage
        ? delimited(number, rewrite(field.resolvedType as protobuf.Type, withoutLength(content), random), random)
        : record(number, tag & 7, content, random),
    )
    byNumber.set(number, records)
  }
  const queues = [...byNumber.values(), unknowns(random, random.below(3))].filter((queue) => queue.length > 0)
  const parts: Uint8Array[] = []
  while (queues.length > 0) {
    const i = random.below(queues.length)
    parts.push(queues[i]!.shift()!)
    if (queues[i]!.length === 0) queues.splice(i, 1)
  }
  return Uint8Array.from(Buffer.concat(parts))
}

function packedTypeOf(field: protobuf.Field): number | undefined {
  return field.resolvedType instanceof protobuf.Enum ? 0 : protobuf.types.packed[field.type as 'int32']
}

/** Packed numbers in the same order, one by one or in packs of a few; some packs are empty. */
function repacked(field: protobuf.Field, packed: Uint8Array, random: Random): Uint8Array[] {
  const type = packedTypeOf(field)!
  const reader = protobuf.Reader.create(packed)
  const records: Uint8Array[] = []
  while (reader.pos < reader.len) {
    const start = reader.pos
    const alone = random.chance(50)
    for (let count = alone ? 1 : random.below(4); count > 0 && reader.pos < reader.len; count--) reader.skipType(type)
    const content = packed.subarray(start, reader.pos)
    records.push(alone ? record(field.id, type, content, random) : delimited(field.id, content, random))
  }
  return records
}

/** Another value of the same field, which the real one behind it overrides. */
function decoy(field: protobuf.Field, type: number, content: Uint8Array): Uint8Array {
  const other = content.slice()
  if (type === 2 && field.resolvedType !== null) return Uint8Array.of(0)
  if (type === 2) return Uint8Array.of(0)
  if (type === 0) return Uint8Array.of(1)
  other[0]! ^= 0x55
  return other
}

function unknowns(random: Random, count: number): Uint8Array[] {
  return Array.from({ length: count }, () => unknown(random, 0))
}

function unknown(random: Random, depth: number): Uint8Array {
  const number = FIRST_UNKNOWN_FIELD + random.below(500)
  const type = [0, 1, 2, 3, 5][random.below(depth < 3 ? 5 : 3)]!
  const fill = (length: number) => Uint8Array.from({ length }, () => random.below(256))
  switch (type) {
    case 0:
      return record(number, 0, varint(random.below(2 ** 31), random), random)
    case 1:
      return record(number, 1, fill(8), random)
    case 5:
      return record(number, 5, fill(4), random)
    case 2:
      return delimited(number, fill(random.chance(10) ? 200 : random.below(20)), random)
    default: {
      const inner = Array.from({ length: random.below(3) }, () => unknown(random, depth + 1))
      return Buffer.concat([varint(number * 8 + 3, random), ...inner, varint(number * 8 + 4, random)])
    }
  }
}

/** A field as it came, its tag and a leading length written anew. */
function record(number: number, type: number, content: Uint8Array, random: Random): Uint8Array {
  if (type === 2) return delimited(number, withoutLength(content), random)
  const value = type === 0 ? lengthened(content, 10, random) : content
  return Buffer.concat([varint(number * 8 + type, random), value])
}

function delimited(number: number, content: Uint8Array, random: Random): Uint8Array {
  return Buffer.concat([varint(number * 8 + 2, random), varint(content.length, random), content])
}

function withoutLength(content: Uint8Array): Uint8Array {
  const reader = protobuf.Reader.create(content)
  reader.uint32()
  return content.subarray(reader.pos)
}

/** A tag or a length: the oracle reads none that is longer than five bytes. */
function varint(value: number, random: Random): Uint8Array {
  const out: number[] = []
  for (; value > 127; value = Math.floor(value / 128)) out.push((value % 128) | 0x80)
  out.push(value)
  return lengthened(Uint8Array.from(out), 5, random)
}

/** The same number, now and then in more bytes than it need be. */
function lengthened(number: Uint8Array, limit: number, random: Random): Uint8Array {
  const room = limit - number.length
  if (room <= 0 || !random.chance(15)) return number
  const longer = new Uint8Array(number.length + 1 + random.below(room))
  longer.set(number)
  longer.fill(0x80, number.length, longer.length - 1)
  longer[number.length - 1]! |= 0x80
  return longer
}

/** The unknown fields that noise added to a message and the known messages in it, as hex and sorted. */
export function unknownFields(typeName: string, bytes: Uint8Array): string[] {
  const found: string[] = []
  collect(messageType(typeName), bytes, found)
  return found.sort()
}

function collect(type: protobuf.Type, bytes: Uint8Array, found: string[]): void {
  const reader = protobuf.Reader.create(bytes)
  while (reader.pos < reader.len) {
    const start = reader.pos
    const tag = reader.uint32()
    const content = reader.pos
    reader.skipType(tag & 7)
    if (tag >>> 3 >= FIRST_UNKNOWN_FIELD) found.push(Buffer.from(bytes.subarray(start, reader.pos)).toString('hex'))
    const inner = type.fieldsById[tag >>> 3]?.resolvedType
    if (inner instanceof protobuf.Type) collect(inner, withoutLength(bytes.subarray(content, reader.pos)), found)
  }
}
