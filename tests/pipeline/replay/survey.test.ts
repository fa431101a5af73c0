import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'
import { ByteBudget } from '../../../component/budget.ts'
import { RefCache } from '../../../otlp/resource-cache.ts'
import { ReplayInput } from '../../../pipeline/replay/replay-input.ts'
import { type Ordering, survey } from '../../../pipeline/replay/survey.ts'
import { Recording } from '../../../receivers/file/recording.ts'
import { TEST_START_NANO, traceRequestJson } from '../../support/otlp-builder.ts'
import { scan } from '../../support/scan.ts'

const SECOND = 1_000_000_000n
const GRACE_MS = 60_000
const { memory } = new ByteBudget(1e9)

let path: string
beforeAll(() => {
  path = join(mkdtempSync(join(tmpdir(), 'blindspot-survey-')), 'recording')
})
afterAll(() => rmSync(join(path, '..'), { recursive: true }))

/** Each request by the seconds in which its spans end. */
function recordingOf(requests: readonly (readonly number[])[]): Recording {
  const lines = requests.map((seconds) => {
    const spans = seconds.map((second) => ({
      name: String(second),
      endNano: TEST_START_NANO + BigInt(second) * SECOND,
    }))
    return JSON.stringify(traceRequestJson([{ service: 'shop', spans }]))
  })
  writeFileSync(path, lines.join('\n'))
  return new Recording(path)
}

const upTo = (count: number) => Array.from({ length: count }, (_, i) => [i])

describe('the survey of a recording', () => {
  it.each<[what: string, requests: number[][], ordering: Ordering, then: number[][]]>([
    ['what lies within the grace as it stands', [[1], [61], [2], [60, 3]], 'arrival', [[1], [61], [2], [60, 3]]],
    ['what lies behind it by time', [[62], [1], [63], [2, 3]], 'sorted', [[1], [2, 3], [62], [63]]],
    ['requests of more than five seconds cut', [[62, 1, 58], [1], [61]], 'sorted', [[1], [1], [58], [61], [62]]],
    ['nothing of what is empty', [], 'arrival', []],
  ])('gives %s', async (_what, requests, ordering, then) => {
    const surveyed = await survey(recordingOf(requests), GRACE_MS, memory)
    const { spool, numbers } = surveyed
    const given = [...spool.inOrder(numbers)].map(({ bytes }) => {
      const table = scan(bytes)
      return Array.from({ length: table.count }, (_, row) => Number(table.name(row)))
    })
    spool.close()
    expect({ ordering: surveyed.ordering, given }).toEqual({ ordering, given: then })
  })

  it('counts what it cannot read', async () => {
    writeFileSync(path, '{"resourceSpans": [\n')
    const recording = new Recording(path, 'traces')
    const { numbers } = await survey(recording, GRACE_MS, memory)
    expect(numbers).toEqual([])
    expect(recording.rejected).toBe(1)
  })
})

describe('an input that is read as it stands', () => {
  it.each<[needs: boolean, what: string, requests: number[][]]>([
    [false, 'nothing lies out of order', upTo(100)],
    [false, 'something early lies half the grace behind', [...upTo(101), [70]]],
    [true, 'something early lies further behind', [...upTo(101), [69]]],
    [false, 'something later lies the grace behind', [...upTo(2000), [1939]]],
    [true, 'something later lies further behind', [...upTo(2000), [1938]]],
  ])('needs a survey: %p where %s', async (needs, _what, requests) => {
    const recording = recordingOf(requests)
    const input = new ReplayInput(recording, false, GRACE_MS, new RefCache(), new ByteBudget(1e9))
    for (await input.fill(); input.peek() !== null && !input.needsSurvey; await input.fill()) input.take().release()
    await input.close()
    expect(input.needsSurvey).toBe(needs)
  })
})
