import type { ClockRow } from '../../../component/finding.ts'
import type { ClockGroup } from './clock-groups.ts'
import type { TrackPoint } from './clock-track.ts'

/** As far as an offset may move within what is called steady. */
const STEADY_NANO = 0.15e6

/** The offset of a group over a second, or over the part of one in which it was steady. */
interface Piece {
  readonly fromS: number
  readonly untilS: number
  readonly offsetNano: number
  readonly point: TrackPoint
}

/** The stretches of time in which the offset of a group was steady; steps part them to the sample. */
export function segmentsOf(group: ClockGroup): readonly ClockRow[] {
  const rows: ClockRow[] = []
  let from = 0
  let min = 0
  let max = 0
  const pieces = group.points.flatMap((point) => piecesOf(point, group))
  for (let i = 0; i < pieces.length; i++) {
    const { offsetNano } = pieces[i]!
    const isNew = i === from
    const low = isNew ? offsetNano : Math.min(min, offsetNano)
    const high = isNew ? offsetNano : Math.max(max, offsetNano)
    if (!isNew && high - low > STEADY_NANO) {
      rows.push(rowOf(group, pieces, from, i))
      from = i
      min = offsetNano
      max = offsetNano
    } else {
      min = low
      max = high
    }
  }
  if (pieces.length > 0) rows.push(rowOf(group, pieces, from, pieces.length))
  return rows
}

/** A second by its slope: a clock that drifts by 500 ppm is not steady for one. A second with a step in it stays whole. */
function piecesOf(point: TrackPoint, { jumps }: ClockGroup): readonly Piece[] {
  const { second, offsetNano, slopeNanoPerS } = point
  const isCut = jumps.some(({ atS }) => atS > second && atS < second + 1)
  const count = isCut ? 1 : Math.max(1, Math.ceil(Math.abs(slopeNanoPerS) / STEADY_NANO))
  return Array.from({ length: count }, (_, i) => ({
    fromS: second + i / count,
    untilS: second + (i + 1) / count,
    offsetNano: offsetNano + slopeNanoPerS * ((i + 0.5) / count - 0.5),
    point,
  }))
}

function rowOf(group: ClockGroup, pieces: readonly Piece[], from: number, until: number): ClockRow {
  const own = pieces.slice(from, until)
  const offsets = own.map((piece) => piece.offsetNano)
  const offsetNano = Math.round(offsets.reduce((sum, offset) => sum + offset, 0) / offsets.length)
  const spread = own.reduce(
    (most, piece) => Math.max(most, Math.abs(piece.offsetNano - offsetNano) + movesNano(piece)),
    0,
  )
  const halfWidth = own.reduce((sum, { point }) => sum + point.halfWidthNano, 0) / own.length
  const before = pieces[from - 1]
  const after = pieces[until]
  return {
    domain: group.domain,
    members: group.members,
    reference: group.reference,
    offsetNano,
    uncertaintyNano: Math.round(halfWidth + spread),
    boundsNano: [
      Math.min(offsetNano, Math.round(Math.max(...own.map(({ point }) => point.lowerNano)))),
      Math.max(offsetNano, Math.round(Math.min(...own.map(({ point }) => point.upperNano)))),
    ],
    fromUnixNano: toUnixNano(before ? boundary(group, before, own[0]!) : own[0]!.fromS),
    untilUnixNano: toUnixNano(after ? boundary(group, own.at(-1)!, after) : own.at(-1)!.untilS),
  }
}

/** Where one segment ends and the next begins: at the step between them, else with the second or its part. */
function boundary({ jumps }: ClockGroup, before: Piece, after: Piece): number {
  const step = jumps.find(({ atS }) => atS > middleOf(before) && atS <= middleOf(after))
  return step ? step.atS : after.fromS
}

/** How far the offset moves from the middle of a piece to its end. */
function movesNano({ fromS, untilS, point }: Piece): number {
  return (Math.abs(point.slopeNanoPerS) * (untilS - fromS)) / 2
}

function middleOf({ fromS, untilS }: Piece): number {
  return (fromS + untilS) / 2
}

function toUnixNano(seconds: number): bigint {
  const whole = Math.floor(seconds)
  return BigInt(whole) * 1_000_000_000n + BigInt(Math.round((seconds - whole) * 1e9))
}
