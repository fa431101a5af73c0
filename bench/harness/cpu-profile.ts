import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'

/** The part of a .cpuprofile that is read here: https://chromedevtools.github.io/devtools-protocol/tot/Profiler/#type-Profile */
interface CpuProfile {
  readonly nodes: readonly {
    readonly id: number
    readonly callFrame: { readonly functionName: string; readonly url: string; readonly lineNumber: number }
  }[]
  readonly samples: readonly number[]
  readonly timeDeltas: readonly number[]
}

const SHOWN = 25

/** Functions by the time that was spent in themselves, without what they call, as shares of the time not idle. */
export function printHottest(title: string, folder: string): void {
  const file = readdirSync(folder).find((name) => name.endsWith('.cpuprofile'))
  if (file === undefined) throw new Error(`no CPU profile was written to ${folder}`)
  const path = join(folder, file)
  const { nodes, samples, timeDeltas } = JSON.parse(readFileSync(path, 'utf8')) as CpuProfile
  const names = new Map(
    nodes.map(({ id, callFrame: { functionName, url, lineNumber } }) => [
      id,
      `${functionName || '(anonymous)'}  ${url.replace(/^.*\/(?=[^/]*\/[^/]*$)/, '')}${url === '' ? '' : `:${lineNumber + 1}`}`,
    ]),
  )
  const micros = new Map<string, number>()
  let total = 0
  samples.forEach((id, i) => {
    const name = names.get(id)!
    if (name.startsWith('(idle)')) return
    total += timeDeltas[i]!
    micros.set(name, (micros.get(name) ?? 0) + timeDeltas[i]!)
  })
  console.log(`\n${title}: self time, of ${(total / 1e6).toFixed(1)} s (${path})`)
  const hottest = [...micros].sort(([, a], [, b]) => b - a).slice(0, SHOWN)
  for (const [name, time] of hottest) console.log(`  ${((100 * time) / total).toFixed(1).padStart(5)} %  ${name}`)
}
