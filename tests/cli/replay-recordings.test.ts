import { expect, it } from '@jest/globals'
import { runCommandLine } from '../../cli/command-line.ts'
import { describeRecordings, recordingPath } from '../support/recordings.ts'

interface Finding {
  readonly rule: string
  readonly state: string
  readonly service: string
  readonly operation: string
  readonly occurrences: number
}

async function reportOf(file: string): Promise<{ text: string; findings: readonly Finding[] }> {
  let text = ''
  let err = ''
  const code = await runCommandLine(['replay', recordingPath(file), '--format', 'json', '--fail-on', 'never'], {
    stdout: { write: (chunk: string) => (text += chunk) },
    stderr: { write: (chunk: string) => (err += chunk) },
    env: {},
  })
  expect({ code, err }).toEqual({ code: 0, err: '' })
  const { findings } = JSON.parse(text) as { findings: readonly Finding[] }
  return { text, findings: findings.filter(({ state }) => state !== 'superseded' && state !== 'retracted') }
}

const aboutContext = (findings: readonly Finding[]) => findings.filter(({ rule }) => /^(CTX|GW)-/.test(rule))

describeRecordings('blindspot replay of recordings of real systems', () => {
  it.each([
    'hotel-load50.otlp.jsonl.gz',
    'hotel-load100.otlp.jsonl.gz',
    'onlineboutique-cpu-fault.otlp.jsonl.gz',
    'onlineboutique-clockdrift.otlp.jsonl.gz',
  ])('finds no broken context in %s', async (file) => {
    expect(aboutContext((await reportOf(file)).findings)).toEqual([])
  })

  it('finds the one orphan of the OpenTelemetry demo, and gives the same bytes again', async () => {
    const once = await reportOf('otel-demo.otlp.jsonl.gz')
    expect(aboutContext(once.findings)).toMatchObject([
      { rule: 'CTX-001', operation: expect.stringMatching(/EventStream$/), occurrences: 1 },
    ])
    expect((await reportOf('otel-demo.otlp.jsonl.gz')).text).toBe(once.text)
  })
})
