import { resolve } from 'node:path'
import { describe, expect, it } from '@jest/globals'
import { problemsOf } from '../../support/config.ts'

function config(exporters: string, used: string): string {
  return `
receivers: { otlp: { protocols: { grpc: } } }
exporters:
  file/a: { path: data/out.json }
  ${exporters}
service: { pipelines: { traces: { receivers: [otlp], exporters: [${used}] } } }
`
}

describe('two exporters that write one file', () => {
  it('are a mistake, however the path is written', () => {
    expect(problemsOf(config('file/b: { path: ./data/x/../out.json }', 'file/a, file/b'))).toEqual([
      expect.stringContaining(
        `5:3 exporters.file/b.path: "file/a" and "file/b" would both write ${resolve('data/out.json')}, each over the other`,
      ),
    ])
  })

  it.each([
    ['they have paths of their own', 'file/b: { path: data/other.json }', 'file/a, file/b'],
    ['no pipeline uses one of them', 'file/b: { path: data/out.json }', 'file/a'],
  ])('are none where %s', (_, exporters, used) => {
    expect(problemsOf(config(exporters, used))).toEqual([])
  })
})
