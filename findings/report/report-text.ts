import type { Report, ReportFinding, ReportInput } from './report-schema.ts'

const LEVELS = ['error', 'warn', 'info'] as const
const EXAMPLES = 2

/** A report as people read it on a terminal. */
export function reportText(report: Report): string {
  const open = report.findings.filter(isOpen)
  const sections = [
    report.inputs.map(inputText).join(''),
    open.length === 0 ? 'Nothing found.\n' : findingsText(open),
    takenBackText(report),
    notEvaluableText(report),
    limitsText(report),
  ]
  return sections.filter((section) => section !== '').join('\n')
}

/** What is worth reading: neither taken back nor told again under another cause. */
function isOpen({ state }: ReportFinding): boolean {
  return state !== 'retracted' && state !== 'superseded'
}

function inputText(input: ReportInput): string {
  const held = [
    [input.traces, 'trace'],
    [input.spans, 'span'],
    [input.metric_points, 'metric point'],
    [input.log_records, 'log record'],
  ] as const
  const counts = held.filter(([count]) => count > 0).map(([count, name]) => amount(count, name))
  const lines = [`${input.path}: ${counts.length === 0 ? 'nothing to read' : counts.join(', ')}`]
  if (input.first_unix_nano !== null && input.last_unix_nano !== null)
    lines.push(`  from ${time(input.first_unix_nano)} to ${time(input.last_unix_nano)}`)
  if (input.ordering === 'sorted')
    lines.push('  was not in order of arrival and has been sorted: no span counts as late')
  if (input.rejected > 0) lines.push(`  ${amount(input.rejected, 'message')} could not be read`)
  return `${lines.join('\n')}\n`
}

/**
 *     error  CTX-002 context_lost_between_services  frontend → search (grpc)  caller_does_not_inject  1000 of 1000 (100 %)
 *            one sentence
 *            in trace 4bf92f3577b34da6a3ce929d0e0e4736 and 00f067aa0ba902b7a3ce929d0e0e4736; see docs/rules/CTX-002.md
 */
function findingsText(findings: readonly ReportFinding[]): string {
  const sorted = [...findings].sort(
    (a, b) =>
      LEVELS.indexOf(a.level) - LEVELS.indexOf(b.level) || b.occurrences - a.occurrences || (a.id < b.id ? -1 : 1),
  )
  const table = sorted.map((finding) => [
    finding.level,
    `${finding.rule} ${finding.name}`,
    placeText(finding),
    finding.cause,
    shareText(finding),
  ])
  const widths = table[0]!.map((_, column) => Math.max(...table.map((row) => row[column]!.length)))
  const indent = ' '.repeat(widths[0]! + 2)
  const rows = sorted.map((finding, i) => {
    const row = table[i]!.map((cell, column) => cell.padEnd(widths[column]!)).join('  ')
    return [row.trimEnd(), `${indent}${finding.message}`, `${indent}${examplesText(finding)}`].join('\n')
  })
  const counts = LEVELS.map((level) => [findings.filter((finding) => finding.level === level).length, level] as const)
  const byLevel = counts.filter(([count]) => count > 0).map(([count, level]) => `${count} ${level}`)
  return `${amount(findings.length, 'finding')} (${byLevel.join(', ')})\n\n${rows.join('\n\n')}\n`
}

function placeText({ service, operation, edge, instance }: ReportFinding): string {
  if (edge !== null) return `${edge.from} → ${edge.to} (${edge.boundary})${operation === null ? '' : ` ${operation}`}`
  return [service, operation, instance].filter((part) => part !== null).join(' ')
}

function shareText({ occurrences, population, state }: ReportFinding): string {
  const share = population === 0 ? '' : ` (${percent(occurrences / population)})`
  const note = state === 'confirmed' ? '' : `, ${state}`
  return `${occurrences} of ${population}${share}${note}`
}

function examplesText({ evidence, page }: ReportFinding): string {
  const traces = new Set<string>()
  const points: string[] = []
  for (const example of evidence) {
    if ('trace_id' in example) traces.add(example.trace_id)
    else points.push(`${example.metric} of ${example.instance} at ${time(example.time_unix_nano)}`)
  }
  const examples = [...traces]
    .map((trace) => `trace ${trace}`)
    .concat(points)
    .slice(0, EXAMPLES)
  return examples.length === 0 ? `see ${page}` : `such as ${examples.join(' and ')}; see ${page}`
}

function takenBackText({ findings }: Report): string {
  const retracted = findings.filter(({ state }) => state === 'retracted').length
  const superseded = findings.filter(({ state }) => state === 'superseded').length
  const parts = [
    retracted > 0 ? `${amount(retracted, 'finding')} taken back after late spans` : '',
    superseded > 0 ? `${amount(superseded, 'finding')} replaced when the cause became clear` : '',
  ].filter((part) => part !== '')
  return parts.length === 0 ? '' : `${parts.join('; ')}\n`
}

function notEvaluableText({ not_evaluable }: Report): string {
  if (not_evaluable.length === 0) return ''
  const byRule = new Map<string, string[]>()
  for (const { rule, service, missing, switch_on } of not_evaluable) {
    const key = `${rule} needs ${missing}. ${switch_on}`
    byRule.set(key, [...(byRule.get(key) ?? []), service])
  }
  const lines = [...byRule].map(([what, services]) => `  ${what} (${services.join(', ')})`)
  return `Not looked at, because the data does not hold it:\n${lines.join('\n')}\n`
}

function limitsText({ limits }: Report): string {
  const reached = Object.entries(limits).filter(([, times]) => times > 0)
  if (reached.length === 0) return ''
  return `Limits reached: ${reached.map(([name, times]) => `${name.replaceAll('_', ' ')} ${times}`).join(', ')}\n`
}

function percent(share: number): string {
  const value = share * 100
  return `${value > 0 && value < 1 ? '< 1' : Math.round(value)} %`
}

function amount(count: number, name: string): string {
  return `${count} ${name}${count === 1 ? '' : 's'}`
}

/** In UTC, to the millisecond. */
function time(unixNano: string): string {
  return new Date(Number(BigInt(unixNano) / 1_000_000n)).toISOString().replace('T', ' ').replace('Z', ' UTC')
}
