import { DETECTORS, SHARED_CASES } from '../harness/cases.ts'
import { gateway } from '../harness/gateway.ts'
import { type Measurement, measure } from '../harness/measure.ts'
import { readOptions } from '../harness/options.ts'
import { machine, medians, printFailures, printTable, writeJson } from '../harness/report.ts'
import { buildCollector, isGoInstalled } from './collector.ts'

// `npm run bench:peer`: the gateway beside the OpenTelemetry Collector, same load, same pipelines, same run.

const BASELINE = 'batch'

const options = readOptions('bench:peer')
if (!isGoInstalled()) {
  console.error('The Collector is built with Go, which is not installed: https://go.dev/dl')
  process.exit(1)
}
const collector = buildCollector()
const blindspot = gateway()
const runs = [
  ...SHARED_CASES.flatMap((it) => [
    { subject: collector, it },
    { subject: blindspot, it },
  ]),
  { subject: blindspot, it: DETECTORS },
].filter(({ subject, it }) => options.filter.test(`${subject.name} ${it.name}`))

console.log(machine())
const measured: Measurement[] = []
for (let round = 0; round < options.rounds; round++)
  for (const { subject, it } of runs) {
    console.error(`${subject.name}: ${it.name}, ${it.warmupSeconds} s of warm-up and ${options.seconds} s`)
    measured.push(await measure(subject, it, options.seconds))
  }
const figures = medians(measured)
printTable(figures)
printFailures(figures)

const baseline = figures.find((row) => row.subject === collector.name && row.case === BASELINE)
const ratios: Record<string, number> = {}
if (baseline !== undefined) {
  console.log(`\nSpans per CPU second, as a multiple of the Collector's ${BASELINE} pipeline:`)
  for (const row of figures.filter(({ subject }) => subject === blindspot.name)) {
    ratios[row.case] = row.spansPerCpuSecond / baseline.spansPerCpuSecond
    console.log(`  ${row.case.padEnd(14)} ${ratios[row.case]!.toFixed(2)}`)
  }
}
writeJson(options.json, { figures, measured, ratios })
