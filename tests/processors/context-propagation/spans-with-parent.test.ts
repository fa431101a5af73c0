import { expect, it } from '@jest/globals'
import { noCounts } from '../../../component/shard-counts.ts'
import { SpansWithParent } from '../../../processors/context-propagation/orphan-span/spans-with-parent.ts'

it('knows the operations of a service that are entered the same way', () => {
  const keys = ['cart\0Get', 'cart\0Add', 'cart\0read', 'cart\0write', 'edge\0Get']
  const of = (...counts: number[]) => ({ shard: 'one', keys, counts: Uint32Array.from(counts) })
  const spans = new SpansWithParent()
  // What enters now and then is an entry; before that it was seen inside.
  spans.add({ entries: of(5, 0, 0, 0, 7), inner: of(0, 2, 3, 4, 0), entriesOf: noCounts(), orphaned: [] })
  spans.add({ entries: of(0, 1, 0, 0, 0), inner: of(0, 0, 0, 0, 0), entriesOf: noCounts(), orphaned: [] })
  expect(keys.map((key) => spans.of(key))).toEqual([5, 3, 3, 4, 7])
  expect(spans.siblingsOf('cart\0Get', 'cart', true)).toEqual(['cart\0Add'])
  expect(spans.siblingsOf('cart\0read', 'cart', false)).toEqual(['cart\0write'])
  expect(spans.siblingsOf('nobody\0Get', 'nobody', true)).toEqual([])
})
