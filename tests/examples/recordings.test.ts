import { readdirSync, readFileSync, statSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { beforeAll, describe, expect, it } from '@jest/globals'
import { readTruth } from '../../examples/fleet/truth.ts'
import { CATALOGUE, findRule } from '../../findings/catalogue/catalogue.ts'
import { alarms, describeExpectation, describeFinding, isKnownGap, owed } from '../fleet/owed.ts'
import { readRecording } from '../fleet/recording.ts'
import { type Report, replay } from '../fleet/replay.ts'
import { SIGNATURES } from '../fleet/signatures/index.ts'
import { View } from '../fleet/view.ts'

const FOLDER = fileURLToPath(new URL('../../examples/recordings/', import.meta.url))
/** They are cloned with the source. */
const LIMIT_BYTES = 3_000_000

const names = readdirSync(FOLDER)
  .filter((file) => file.endsWith('.otlp.pb.gz'))
  .map((file) => file.replace('.otlp.pb.gz', ''))

/** Two at a time: each is a process of its own, and most of its time goes into its start. */
const reports = new Map<string, Report>()

describe('the recordings of the fleet', () => {
  beforeAll(async () => {
    const waiting = [...names]
    const work = async () => {
      for (let name = waiting.shift(); name !== undefined; name = waiting.shift())
        reports.set(name, await replay(`${FOLDER}${name}.otlp.pb.gz`))
    }
    await Promise.all([work(), work()])
  })

  it('are small enough to be cloned with the source', () => {
    const bytes = names.map((name) => statSync(`${FOLDER}${name}.otlp.pb.gz`).size)
    expect(bytes.reduce((sum, size) => sum + size, 0)).toBeLessThan(LIMIT_BYTES)
  })

  it('say how they were made', () => {
    const readme = readFileSync(`${FOLDER}README.md`, 'utf8')
    const commands = names.map((name) => readTruth(`${FOLDER}${name}.truth.json`).command)
    expect(commands.filter((command) => !readme.includes(command))).toEqual([])
  })

  it.each(names)('%s shows each of its faults, and the gateway finds what it has rules for', (name) => {
    const path = `${FOLDER}${name}.otlp.pb.gz`
    const truth = readTruth(`${FOLDER}${name}.truth.json`)
    const recording = readRecording(path)
    const report = reports.get(name)!

    const unseen = truth.faults.filter(
      (fault) => !SIGNATURES[fault.name]!(new View(recording, truth, fault), fault).shown,
    )
    expect(unseen.map((fault) => fault.name)).toEqual([])
    const missed = truth.faults.flatMap((fault) =>
      owed(fault, report)
        .filter(({ outcome, expectation }) => outcome === 'missed' && !isKnownGap(fault.name, expectation))
        .map(({ expectation }) => describeExpectation(expectation)),
    )
    expect(missed).toEqual([])
    expect(truth.faults.flatMap((fault) => alarms(fault, report)).map(describeFinding)).toEqual([])
  })

  it.each(names)('%s gives no value that the page of its rule does not explain', (name) => {
    const unknown = reports.get(name)!.findings.flatMap(({ rule, values, evidence }) => {
      const explained = (key: string, of: string) =>
        findRule(rule)!.values.some((value) => value.key === key && (value.of === of || value.of === 'both'))
      const ofEvidence = evidence.flatMap((piece) => Object.keys(piece.values))
      return [
        ...Object.keys(values).filter((key) => !explained(key, 'finding')),
        ...ofEvidence.filter((key) => !explained(key, 'evidence')),
      ].map((key) => `${rule} ${key}`)
    })
    expect([...new Set(unknown)]).toEqual([])
  })

  it.each(CATALOGUE.filter(({ example }) => example.recording !== undefined).map((rule) => [rule.id, rule] as const))(
    'give what the page of %s shows as its example',
    (id, { example }) => {
      const { recording, level, cause, service, operation, occurrences, population, message } = example
      const shown = { rule: id, level, cause, service, operation, occurrences, population, message }
      const values = expect.objectContaining(
        Object.fromEntries(Object.entries(example.values).map(([key, value]) => [key, roughly(value)])),
      )
      expect(reports.get(recording!)!.findings).toContainEqual(expect.objectContaining({ ...shown, values }))
    },
  )

  it('healthy gives no finding at all', () => {
    expect(reports.get('healthy')!.findings.map(describeFinding)).toEqual([])
  })
})

/** Pages show fewer digits. */
function roughly(value: unknown): unknown {
  return typeof value === 'number' ? expect.closeTo(value, 3) : value
}
