import { execFileSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'
import { FLEET_BINARY, FLEET_FOLDER } from '../../examples/fleet/go.ts'
import { describeFleet, isSmoke } from './describe-fleet.ts'
import { alarms, describeExpectation, describeFinding, isKnownGap, owed } from './owed.ts'
import { type FleetRun, runFleet } from './run-fleet.ts'
import { faultName, RUNS } from './runs.ts'
import { SIGNATURES } from './signatures/index.ts'
import { FaultTable } from './table.ts'
import { View } from './view.ts'

/** Beside the time of the load: start, the last spans, the replay. */
const AROUND_MS = 90_000

const table = new FaultTable()

describeFleet('the fleet', () => {
  for (const run of RUNS.filter(({ smoke }) => smoke || !isSmoke)) {
    describe(run.name, () => {
      let fleet: FleetRun

      beforeAll(
        async () => {
          fleet = await runFleet(run)
        },
        run.seconds * 1000 + AROUND_MS,
      )

      it.each(run.faults.map(faultName))('%s', (name) => {
        const fault = fleet.truth.faults.find((one) => one.name === name)!
        const signature = SIGNATURES[name]!(new View(fleet.recording, fleet.truth, fault), fault)
        const due = owed(fault, fleet.report)
        const alarming = alarms(fault, fleet.report)
        table.add(name, signature, due, alarming.length === 0 ? 'silent' : 'ALARM')

        expect(signature).toMatchObject({ shown: true })
        const missed = due.filter(({ outcome, expectation }) => outcome === 'missed' && !isKnownGap(name, expectation))
        expect(missed.map(({ expectation }) => describeExpectation(expectation))).toEqual([])
        expect(alarming.map(describeFinding)).toEqual([])
      })
    })
  }

  it('has the table of faults in its README that npm run fleet -- list prints', () => {
    expect(readFileSync(`${FLEET_FOLDER}README.md`, 'utf8')).toContain(faultList())
  })

  it('runs every fault that there is', () => {
    const listed = faultList()
    const known = [...listed.matchAll(/^\| `([a-z0-9_]+)/gm)].map(([, name]) => name)
    expect(RUNS.flatMap(({ faults }) => faults.map(faultName)).sort()).toEqual(known.sort())
  })

  afterAll(() => table.write())
})

function faultList(): string {
  return execFileSync(FLEET_BINARY, ['list'], { encoding: 'utf8' })
}
