import { randomBytes } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { type DemoRequest, readRecording } from './recording.ts'
import { OtlpClient } from './send.ts'
import { type Chapter, storyOf } from './story.ts'
import { Timeline } from './timeline.ts'

// `npm run demo`: sends a recording through the OTLP port of a running gateway, at the pace at which it was taken.

const RECORDING = fileURLToPath(new URL('../recordings/demo.otlp.pb.gz', import.meta.url))

const USAGE = `Usage: npm run demo -- [options]

Sends a recording to a running gateway over OTLP gRPC, at its original pace.

  --speed N        N times as fast (1)
  --file PATH      a recording of your own, OTLP JSON lines or protobuf, plain or compressed;
                   by default one of the fleet, a shop of Go services in which one thing after the other breaks
  --endpoint H:P   where the gateway listens (127.0.0.1:4317)
  --help           this text
`

const { values } = parseArgs({
  options: {
    speed: { type: 'string', default: '1' },
    file: { type: 'string', default: RECORDING },
    endpoint: { type: 'string', default: '127.0.0.1:4317' },
    help: { type: 'boolean', default: false },
  },
})

if (values.help) {
  process.stdout.write(USAGE)
} else {
  process.exitCode = await demo(values.endpoint, Number(values.speed), values.file)
}

async function demo(endpoint: string, speed: number, file: string): Promise<number> {
  if (!(speed > 0)) {
    console.error(`--speed ${values.speed} is no speed; write a number such as 10`)
    return 1
  }
  const client = new OtlpClient(endpoint)
  if (!(await client.isReached())) {
    client.close()
    console.error(`Nothing listens on ${endpoint}. Start the gateway first, in another terminal: npm start`)
    return 1
  }
  const timeline = new Timeline(await readRecording(file), speed, randomBytes(8).readBigUInt64BE())
  const seconds = Math.ceil((timeline.schedule.at(-1)?.afterMs ?? 0) / 1000)
  const what = file === RECORDING ? 'ninety seconds in the life of a shop of Go services' : file
  console.log(`Sending ${what} to ${endpoint}:`)
  console.log(`${timeline.schedule.length} requests in ${seconds} s. Watch the gateway's terminal.`)
  const refused = await play(timeline, storyOf(file), client)
  client.close()
  const taken = timeline.schedule.length - refused.length
  console.log(
    `\nSent: the gateway took ${taken} requests${refused.length > 0 ? ` and refused ${refused.length}` : ''}.`,
  )
  if (refused.length > 0) console.error(`The first refusal: ${refused[0]}`)
  return refused.length > 0 ? 1 : 0
}

/** Sends everything when its time has come and says what breaks meanwhile; gives back why requests were refused. */
async function play(timeline: Timeline, story: readonly Chapter[], client: OtlpClient): Promise<string[]> {
  const beginMs = Date.now()
  const refused: string[] = []
  const untold = [...story]
  const answers: Promise<void>[] = []
  for (const { request, afterMs } of timeline.schedule) {
    while (untold[0] && timeline.afterMs(untold[0].atUnixNano) <= afterMs) await tell(untold.shift()!)
    await until(afterMs)
    answers.push(send(request))
  }
  await Promise.all(answers)
  return refused

  async function until(afterMs: number): Promise<void> {
    const waitMs = beginMs + afterMs - Date.now()
    if (waitMs > 0) await sleep(waitMs)
  }

  async function tell({ atUnixNano, text }: Chapter): Promise<void> {
    const afterMs = Math.max(0, timeline.afterMs(atUnixNano))
    await until(afterMs)
    console.log(`\n${(afterMs / 1000).toFixed(0).padStart(3)} s  ${text.replaceAll('\n', '\n       ')}`)
  }

  async function send(request: DemoRequest): Promise<void> {
    const trouble = await client.send(request.signal, timeline.moved(request, BigInt(beginMs) * 1_000_000n))
    if (trouble !== null) refused.push(trouble)
  }
}
