import { parseArgs } from 'node:util'

export interface BenchOptions {
  /** How long each case is measured, after its warm-up. */
  readonly seconds: number
  /** How often all of it is measured; medians count. */
  readonly rounds: number
  readonly filter: RegExp
  readonly json: string
  readonly cpuProfile: boolean
}

const HELP = `
  --seconds N    measure each case for N seconds (10)
  --rounds N     measure everything N times in turn, and give medians (1)
  --filter TEXT  only the cases whose name matches the regular expression
  --json FILE    where the figures are written (data/bench/NAME.json)
  --cpu-prof     write a CPU profile of the gateway for each case to data/bench/, and list its hottest functions
  --help         this text`

export function readOptions(name: string): BenchOptions {
  const { values } = parseArgs({
    options: {
      seconds: { type: 'string', default: '10' },
      rounds: { type: 'string', default: '1' },
      filter: { type: 'string', default: '' },
      json: { type: 'string', default: `data/bench/${name.replace(':', '-')}.json` },
      'cpu-prof': { type: 'boolean', default: false },
      help: { type: 'boolean', default: false },
    },
  })
  if (values.help) {
    console.log(`npm run ${name} -- [options]\n${HELP}`)
    process.exit(0)
  }
  if (process.platform !== 'linux') {
    console.error('The bench reads CPU time and memory of processes from /proc: it needs Linux.')
    process.exit(1)
  }
  const seconds = Number(values.seconds)
  if (!(seconds > 0)) throw new Error(`--seconds ${values.seconds} is no number of seconds`)
  const rounds = Number(values.rounds)
  if (!(rounds >= 1)) throw new Error(`--rounds ${values.rounds} is no number of rounds`)
  return { seconds, rounds, filter: new RegExp(values.filter, 'i'), json: values.json, cpuProfile: values['cpu-prof'] }
}
