import { randomBytes } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import { parseArgs } from 'node:util'
import { type DemoRequest, readRecording } from './recording.ts'
import { OtlpClient } from './send.ts'
import { EXPECTED, shopRecording } from './shop.ts'
import { Timeline } from './timeline.ts'

// `npm run demo`: sends a recording through the OTLP port of a running gateway, at the pace at which it was taken.

const USAGE = `Usage: npm run demo -- [options]

Sends a recording to a running gateway over OTLP gRPC, at its original pace.

  --speed N        N times as fast (1)
  --file PATH      a recording of your own, OTLP JSON lines or protobuf, plain or compressed;
                   by default a synthetic one of an online shop with a few things broken
  --endpoint H:P   where the gateway listens (127.0.0.1:4317)
  --help           this text
`

const { values } = parseArgs({
  options: {
    speed: { type: 'string', default: '1' },
    file: { type: 'string' },
    endpoint: { type: 'string', default: '127.0.0.1:4317' },
    help: { type: 'boolean', default: false },
  },
})

if (values.help) {
  process.stdout.write(USAGE)
} else {
  process.exitCode = await demo(values.endpoint, Number(values.speed), values.file)
}

async function demo(endpoint: string, speed: number, file: string | undefined): Promise<number> {
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
  const requests = file === undefined ? shopRecording() : await readRecording(file)
  const timeline = new Timeline(requests, speed, randomBytes(8).readBigUInt64BE())
  const seconds = Math.ceil((timeline.schedule.at(-1)?.afterMs ?? 0) / 1000)
  console.log(`Sending ${file ?? 'a synthetic recording of an online shop, made up for this demo,'} to ${endpoint}:`)
  console.log(`${timeline.schedule.length} requests in ${seconds} s. Watch the gateway's terminal.`)
  if (file === undefined) console.log(`\nThe gateway should find, most of it within a minute:\n${EXPECTED}`)
  const refused = await play(timeline, client)
  client.close()
  const taken = timeline.schedule.length - refused.length
  console.log(
    `\nSent: the gateway took ${taken} requests${refused.length > 0 ? ` and refused ${refused.length}` : ''}.`,
  )
  if (refused.length > 0) console.error(`The first refusal: ${refused[0]}`)
  return refused.length > 0 ? 1 : 0
}

/** Sends everything when its time has come; gives back why requests were refused. */
async function play(timeline: Timeline, client: OtlpClient): Promise<string[]> {
  const beginMs = Date.now()
  const refused: string[] = []
  const answers: Promise<void>[] = []
  for (const { request, afterMs } of timeline.schedule) {
    const waitMs = beginMs + afterMs - Date.now()
    if (waitMs > 0) await sleep(waitMs)
    answers.push(send(request))
  }
  await Promise.all(answers)
  return refused

  async function send(request: DemoRequest): Promise<void> {
    const trouble = await client.send(request.signal, timeline.moved(request, BigInt(beginMs) * 1_000_000n))
    if (trouble !== null) refused.push(trouble)
  }
}
