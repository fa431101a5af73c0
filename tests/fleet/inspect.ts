/** Counts the signatures of a run by hand: node tests/fleet/inspect.ts FILE.otlp.pb.gz FILE.truth.json */

import { readTruth } from '../../examples/fleet/truth.ts'
import { readRecording } from './recording.ts'
import { SIGNATURES } from './signatures/index.ts'
import { View } from './view.ts'

const [file = '', truthFile = file.replace(/\.otlp\.pb\.gz$/, '.truth.json')] = process.argv.slice(2)
const recording = readRecording(file)
const truth = readTruth(truthFile)
for (const fault of truth.faults) {
  const found = SIGNATURES[fault.name]?.(new View(recording, truth, fault), fault)
  console.log(
    `${found?.shown ? 'shown' : 'NOT SHOWN'}  ${fault.name} (${fault.strikes} strikes): ${found?.seen} of ${found?.of} ${found?.what}`,
  )
}
