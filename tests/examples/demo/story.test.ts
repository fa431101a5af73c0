import { fileURLToPath } from 'node:url'
import { describe, expect, it } from '@jest/globals'
import { storyOf } from '../../../examples/demo/story.ts'
import { readTruth } from '../../../examples/fleet/truth.ts'

const DEMO = fileURLToPath(new URL('../../../examples/recordings/demo.otlp.pb.gz', import.meta.url))

describe('the story of the demo', () => {
  it('has one fault of each family, one after the other', () => {
    const { faults } = readTruth(DEMO.replace('.otlp.pb.gz', '.truth.json'))
    expect(faults.map(({ family }) => family).sort()).toEqual(['around', 'lifetime', 'propagation', 'runtime'])
    const times = storyOf(DEMO).map(({ atUnixNano }) => atUnixNano)
    expect(times).toHaveLength(4)
    expect(times.every((time, i) => i === 0 || time > times[i - 1]! + 10_000_000_000n)).toBe(true)
  })

  it('says what breaks and what must be found', () => {
    const [first] = storyOf(DEMO)
    expect(first!.text).toContain('no_propagator: edge has no TextMapPropagator')
    expect(first!.text).toContain('CTX-002 on edge → cart')
  })

  it('is not there for a recording of somebody else', () => {
    expect(storyOf('/somewhere/else.otlp.jsonl')).toEqual([])
    expect(storyOf('/somewhere/else.otlp.pb.gz')).toEqual([])
  })
})
