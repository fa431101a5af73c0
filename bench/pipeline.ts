import { mkdirSync, mkdtempSync } from 'node:fs'
import { DETECTORS, SHARED_CASES } from './harness/cases.ts'
import { printHottest } from './harness/cpu-profile.ts'
import { gateway } from './harness/gateway.ts'
import { type Measurement, measure } from './harness/measure.ts'
import { readOptions } from './harness/options.ts'
import { machine, medians, printFailures, printTable, writeJson } from './harness/report.ts'

// `npm run bench`: the started gateway under load, in a process of its own, from socket to socket.

const options = readOptions('bench')
const cases = [...SHARED_CASES, DETECTORS].filter(({ name }) => options.filter.test(name))
const measured: Measurement[] = []
for (let round = 0; round < options.rounds; round++)
  for (const it of cases) {
    console.error(`${it.name}: ${it.warmupSeconds} s of warm-up and ${options.seconds} s`)
    mkdirSync('data/bench', { recursive: true })
    const profiles = options.cpuProfile ? mkdtempSync(`data/bench/${it.name.replaceAll(' ', '-')}-`) : null
    measured.push(await measure(gateway(profiles), it, options.seconds))
    if (profiles !== null) printHottest(it.name, profiles)
  }
const figures = medians(measured)
console.log(machine())
printTable(figures)
printFailures(figures)
writeJson(options.json, { figures, measured })
