import { mkdirSync, writeFileSync } from 'node:fs'
import { describeExpectation, type Owed } from './owed.ts'
import { FOLDER } from './run-fleet.ts'
import type { Signature } from './view.ts'

/** Fault → signature → found or still to come, as the runs of a suite made it. */
export class FaultTable {
  readonly #rows: string[] = []

  add(fault: string, signature: Signature, owed: readonly Owed[], silence: string): void {
    const outcome = owed.map(({ expectation, outcome }) => `${describeExpectation(expectation)}: ${outcome}`)
    this.#rows.push(
      `| \`${fault}\` | ${signature.seen} of ${signature.of} ${signature.what} | ${outcome.join('; ') || silence} |`,
    )
  }

  /** Prints it and leaves it beside the recordings. */
  write(): void {
    const text = [
      '| fault | signature on the recorded OTLP | finding |',
      '| --- | --- | --- |',
      ...this.#rows,
      '',
    ].join('\n')
    mkdirSync(FOLDER, { recursive: true })
    writeFileSync(`${FOLDER}faults.md`, text)
    process.stdout.write(`\n${text}`)
  }
}
