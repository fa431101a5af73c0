import { spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, it } from '@jest/globals'
import { shopRecording } from '../../../examples/demo/shop.ts'

describe('the recording of the demo', () => {
  it('is the same every time', () => {
    expect(shopRecording()).toEqual(shopRecording())
  })

  it('has the breaks that it promises, and nothing else', () => {
    expect(findings()).toEqual([
      ['CTX-001', 'pricing', null],
      ['CTX-002', 'mail', 'checkout > mail'],
      ['CTX-002', 'mail', 'web > mail'],
      ['GO-001', 'pricing', null],
      ['LIFE-001', 'checkout', null],
    ])
  })
})

interface Row {
  readonly rule: string
  readonly service: string
  readonly state: string
  readonly edge: { readonly from: string; readonly to: string } | null
}

/** Rule, service and edge of what stands in the report of a replay. */
function findings(): (string | null)[][] {
  const folder = mkdtempSync(join(tmpdir(), 'blindspot-demo-'))
  try {
    const file = join(folder, 'shop.otlp.jsonl')
    writeFileSync(
      file,
      shopRecording()
        .map(({ json }) => `${JSON.stringify(json)}\n`)
        .join(''),
    )
    // It ends with 1, because there are findings.
    const replay = spawnSync(process.execPath, ['cli/blindspot.js', 'replay', '--format', 'json', file])
    const report = JSON.parse(replay.stdout.toString())
    return report.findings
      .filter(({ state }: Row) => state !== 'superseded')
      .map(({ rule, service, edge }: Row) => [rule, service, edge && `${edge.from} > ${edge.to}`])
      .sort()
  } finally {
    rmSync(folder, { recursive: true })
  }
}
