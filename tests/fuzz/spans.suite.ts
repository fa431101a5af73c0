import { describe, it } from '@jest/globals'
import {
  attributeKey,
  hasAttribute,
  intAttribute,
  stringArrayAttribute,
  stringAttribute,
} from '../../otlp/attributes.ts'
import { Malformed } from '../../otlp/malformed.ts'
import { RefCache } from '../../otlp/resource-cache.ts'
import { scanTraces } from '../../otlp/scan-traces.ts'
import { Source } from '../../otlp/source.ts'
import { SpanEdits } from '../../otlp/span-edits.ts'
import { Column, ROW_WORDS } from '../../otlp/span-table.ts'
import { encodeSpans } from '../../otlp/splice.ts'
import { traceRequest } from '../support/otlp-builder.ts'
import { CASES, fuzz, throughJson } from './fuzz.ts'

const TYPE = 'opentelemetry.proto.collector.trace.v1.ExportTraceServiceRequest'
const REQUEST = traceRequest([
  {
    service: 'cart',
    scope: { name: 'grpc' },
    spans: [
      {
        name: 'GET',
        kind: 'client',
        parentId: 7,
        attributes: { 'rpc.method': 'Get', status: 200n, rules: ['CTX-001'], map: { a: [1.5, true] } },
        events: [{ name: 'e', attributes: { k: 'v' } }],
        links: [{ traceId: 1, spanId: 2 }],
        status: { code: 2, message: 'm' },
      },
    ],
  },
])
const STRING_KEY = attributeKey('rpc.method')
const INT_KEY = attributeKey('status')
const LIST_KEY = attributeKey('rules')

describe(`${2 * CASES} mutated requests of spans neither crash nor hang a reader, which reads nothing beyond them`, () => {
  it('scanning, looking attributes up, and splicing', () => {
    const refs = new RefCache()
    fuzz(1, TYPE, REQUEST, (bytes) => {
      const table = scanTraces(new Source(bytes), refs)
      if (table instanceof Malformed) return table.message
      const edits = new SpanEdits(table)
      const attributes: unknown[] = []
      for (let row = 0; row < table.count; row++) {
        if (table.get(row, Column.bodyEnd) > bytes.length) throw new Error('a span ends beyond the request')
        if (!hasAttribute(table, row, STRING_KEY)) edits.appendString(row, 'rpc.method', 'x')
        attributes.push(stringAttribute(table, row, STRING_KEY), intAttribute(table, row, INT_KEY))
        attributes.push(stringArrayAttribute(table, row, LIST_KEY))
      }
      if (table.count > 0) edits.setParentId(0, 1, 2)
      const spliced = scanTraces(new Source(encodeSpans(table, edits)), refs)
      if (spliced instanceof Malformed || spliced.count !== table.count)
        throw new Error('what was spliced cannot be read again')
      return [table.words.slice(0, table.count * ROW_WORDS), attributes]
    })
  })

  it('writing JSON that can be read again', () => {
    fuzz(2, TYPE, REQUEST, (bytes) => throughJson('traces', bytes))
  })
})
