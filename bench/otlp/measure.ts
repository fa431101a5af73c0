import { cpuUsage } from 'node:process'

/** Rounds of half a CPU second; the best counts, since this machine may be busy with other things. */
const ROUNDS = 5
const ROUND_MS = 500

/** Prints what one run costs per span, in CPU time of this process. */
export function measure(name: string, spansPerRun: number, run: () => void): void {
  let bestNano = Number.POSITIVE_INFINITY
  for (let round = 0; round < ROUNDS; round++) {
    let runs = 0
    const from = cpuUsage()
    let usedMicros = 0
    while (usedMicros < ROUND_MS * 1000) {
      for (let i = 0; i < 16; i++) run()
      runs += 16
      const { user, system } = cpuUsage(from)
      usedMicros = user + system
    }
    bestNano = Math.min(bestNano, (usedMicros * 1000) / (runs * spansPerRun))
  }
  const millions = (1000 / bestNano).toFixed(2).padStart(7)
  console.log(`${name.padEnd(44)} ${bestNano.toFixed(1).padStart(7)} ns a span ${millions} M spans a CPU second`)
}
