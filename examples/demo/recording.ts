import { protobufToJson } from '../../otlp/json/protobuf-to-json.ts'
import { Malformed } from '../../otlp/malformed.ts'
import { Recording } from '../../receivers/file/recording.ts'

export type DemoSignal = 'traces' | 'metrics' | 'logs'

/** One export request as OTLP/JSON; times are strings of nanoseconds, as in every recording. */
export interface DemoRequest {
  readonly signal: DemoSignal
  readonly json: object
}

/** The requests of a recording on disk, in whichever form of the file exporters it lies there. */
export async function readRecording(path: string): Promise<DemoRequest[]> {
  const recording = new Recording(path)
  const requests: DemoRequest[] = []
  for await (const messages of recording.rawMessages())
    for (const message of messages)
      for (const { signal, bytes } of recording.requestsIn(message)) {
        if (signal === 'profiles') continue
        const json = protobufToJson(signal, bytes)
        if (json instanceof Malformed) recording.reject(json.message)
        else requests.push({ signal, json: JSON.parse(json.toString()) })
      }
  if (requests.length === 0)
    throw new Error(`${path} holds no OTLP request${recording.firstRejection ? `: ${recording.firstRejection}` : ''}`)
  return requests
}
