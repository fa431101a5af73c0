import { describe, expect, it } from '@jest/globals'
import { rpcNameOf } from '../../component/rpc-name.ts'

describe('the RPC that a span name stands for', () => {
  it.each([
    ['search.Search/Nearby', 'otelgrpc'],
    ['/search.Search/Nearby', 'OpenTracing'],
    ['Recv.search.Search.Nearby', "grpc-go's own plugin, the server"],
    ['Sent.search.Search.Nearby', "grpc-go's own plugin, the client"],
    ['grpc.search.Search/Nearby', 'OpenCensus for Node'],
  ])('%s is search.Search/Nearby (%s)', (name) => {
    expect(rpcNameOf(name)).toBe('search.Search/Nearby')
  })

  it.each([
    ['Search/Nearby', 'Search/Nearby'],
    ['shop.v1.Cart/Get', 'shop.v1.Cart/Get'],
    ['grpc.health.v1.Health/Check', 'health.v1.Health/Check'],
    ['/grpc.health.v1.Health/Check', 'health.v1.Health/Check'],
    ['Recv.grpc.health.v1.Health.Check', 'health.v1.Health/Check'],
  ])('%s is %s', (name, rpc) => {
    expect(rpcNameOf(name)).toBe(rpc)
  })

  it.each(['items/get', 'GET /hotels', 'HTTP GET', 'settle.batch', '/search', 'grpc./x', 'orders process', ''])(
    '"%s" is none',
    (name) => {
      expect(rpcNameOf(name)).toBeNull()
    },
  )
})
