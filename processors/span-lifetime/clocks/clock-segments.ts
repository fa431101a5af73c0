import type { ClockRow } from '../../../component/finding.ts'
import type { ClockGroup } from './clock-groups.ts'
import type { TrackPoint } from './clock-track.ts'

/** As far as an offset may move within what is called steady. */
const STEADY_NANO = 0.15e6

/** The stretches of time in which the offset of a group was steady; steps part them to the sample. */
export function segmentsOf(group: ClockGroup): readonly ClockRow[] {
  const rows: ClockRow[] = []
  let from = 0
  let min = 0
  let max = 0
  const { points } = group
  for (let i = 0; i < points.length; i++) {
    const { offsetNano } = points[i]!
    const isNew = i === from
    const low = isNew ? offsetNano : Math.min(min, offsetNano)
    const high = isNew ? offsetNano : Math.max(max, offsetNano)
    if (!isNew && high - low > STEADY_NANO) {
      rows.push(rowOf(group, from, i))
      from = i
      min = offsetNano
      max = offsetNano
    } else {
      min = low
      max = high
    }
  }
  if (points.length > 0) rows.push(rowOf(group, from, points.length))
  return rows
}

function rowOf(group: ClockGroup, from: number, until: number): ClockRow {
  const points = group.points.slice(from, until)
  const offsets = points.map((point) => point.offsetNano)
  const offsetNano = Math.round(offsets.reduce((sum, offset) => sum + offset, 0) / offsets.length)
  const spread = offsets.reduce((most, offset) => Math.max(most, Math.abs(offset - offsetNano)), 0)
  const halfWidth = points.reduce((sum, point) => sum + point.halfWidthNano, 0) / points.length
  const before = group.points[from - 1]
  const after = group.points[until]
  return {
    domain: group.domain,
    members: group.members,
    reference: group.reference,
    offsetNano,
    uncertaintyNano: Math.round(halfWidth + spread),
    boundsNano: [
      Math.min(offsetNano, Math.round(Math.max(...points.map((point) => point.lowerNano)))),
      Math.max(offsetNano, Math.round(Math.min(...points.map((point) => point.upperNano)))),
    ],
    fromUnixNano: toUnixNano(before ? boundary(group, before, points[0]!) : points[0]!.second),
    untilUnixNano: toUnixNano(after ? boundary(group, points.at(-1)!, after) : points.at(-1)!.second + 1),
  }
}

/** Where one segment ends and the next begins: at the step between them, else with the second. */
function boundary(group: ClockGroup, before: TrackPoint, after: TrackPoint): number {
  const step = group.jumps.find(({ atS }) => atS >= before.second - 1 && atS <= after.second + 2)
  return step ? step.atS : after.second
}

function toUnixNano(seconds: number): bigint {
  const whole = Math.floor(seconds)
  return BigInt(whole) * 1_000_000_000n + BigInt(Math.round((seconds - whole) * 1e9))
}
