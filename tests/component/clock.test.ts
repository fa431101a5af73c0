import { describe, expect, it } from '@jest/globals'
import { SystemClock } from '../../component/clock.ts'

/** Whatever node warns of while `action` runs, and what comes of its timers right after. */
async function warningsOf(action: () => void): Promise<string[]> {
  const warnings: string[] = []
  const hear = (warning: Error) => warnings.push(warning.name)
  process.on('warning', hear)
  action()
  await new Promise((resolve) => setTimeout(resolve, 20))
  process.off('warning', hear)
  return warnings
}

describe("the machine's clock", () => {
  it('takes what is past due at once, without a warning on the console', async () => {
    let fired = 0
    const clock = new SystemClock()
    expect(await warningsOf(() => clock.after(-0.5, () => fired++))).toEqual([])
    expect(fired).toBe(1)
  })

  it('takes nothing at once that is months ahead', async () => {
    let fired = 0
    const clock = new SystemClock()
    const months = 100 * 24 * 3_600_000
    const timers = [clock.after(months, () => fired++), clock.every(months, () => fired++)]
    expect(await warningsOf(() => timers.push(clock.after(months, () => fired++)))).toEqual([])
    expect(fired).toBe(0)
    for (const timer of timers) timer.cancel()
  })
})
