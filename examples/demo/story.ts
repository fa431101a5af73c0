import { existsSync } from 'node:fs'
import { findRule } from '../../findings/catalogue/catalogue.ts'
import { type Expectation, readTruth, type TruthFault } from '../fleet/truth.ts'

/** What happens in a recording, and when. */
export interface Chapter {
  readonly atUnixNano: bigint
  readonly text: string
}

/** The story of a recording of the fleet, whose truth lies beside it; any other recording has none. */
export function storyOf(path: string): readonly Chapter[] {
  const truth = path.replace(/\.otlp\.pb\.gz$/, '.truth.json')
  if (truth === path || !existsSync(truth)) return []
  return readTruth(truth)
    .faults.map((fault) => ({ atUnixNano: BigInt(fault.from_unix_nano), text: tell(fault) }))
    .sort((a, b) => Number(a.atUnixNano - b.atUnixNano))
}

function tell(fault: TruthFault): string {
  const owed = fault.expect.filter(({ rule }) => findRule(rule)?.detected)
  const toCome = fault.expect.filter((expectation) => !owed.includes(expectation)).map(({ rule }) => rule)
  const lines = [`${fault.name}: ${fault.what}.`]
  if (owed.length > 0) lines.push(`The gateway should find ${owed.map(finding).join(', ')}.`)
  if (toCome.length > 0) lines.push(`This version does not look for it yet (${toCome.join(', ')}).`)
  return lines.join('\n')
}

function finding({ rule, service, edge }: Expectation): string {
  return edge ? `${rule} on ${edge.from} → ${edge.to}` : [rule, service].filter(Boolean).join(' in ')
}
