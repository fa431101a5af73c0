import { describe, expect, it } from '@jest/globals'
import { startReceiver } from './receiver-harness.ts'
import { spans } from './sample-requests.ts'

/** Keys as a user writes them. */
type Cors = Readonly<Record<string, unknown>>

const PAGE = 'https://shop.example.com'

async function ask(cors: Cors | undefined, method: 'OPTIONS' | 'POST', headers: Record<string, string>) {
  const receiver = await startReceiver({ http: { endpoint: '127.0.0.1:0', ...(cors && { cors }) } })
  const response = await fetch(`http://${receiver.httpAddress}/v1/traces`, {
    method,
    headers: { 'content-type': 'application/x-protobuf', ...headers },
    ...(method === 'POST' && { body: spans(1) as NonNullable<RequestInit['body']> }),
  })
  return { status: response.status, header: (name: string) => response.headers.get(name) }
}

const PREFLIGHT = { 'access-control-request-method': 'POST', 'access-control-request-headers': 'content-type,x-shop' }

describe('the origin of a page', () => {
  it.each([
    ['the very one', [PAGE], PAGE, true],
    ['one of several', ['https://a.example', PAGE], PAGE, true],
    ['any', ['*'], PAGE, true],
    ['a subdomain', ['https://*.example.com'], PAGE, true],
    ['in capitals', [PAGE], 'HTTPS://SHOP.EXAMPLE.COM', true],
    ['another one', [PAGE], 'https://evil.example', false],
    ['one that only begins like it', [PAGE], `${PAGE}.evil.example`, false],
    ['one where the dot of the pattern is no dot', ['https://shop.example.com'], 'https://shopxexample.com', false],
    ['with no origin allowed', [], PAGE, false],
  ])('%s', async (_name, allowed_origins, origin, isAllowed) => {
    const { status, header } = await ask({ allowed_origins }, 'POST', { origin })
    expect(status).toBe(200)
    expect(header('access-control-allow-origin')).toBe(isAllowed ? origin : null)
    expect(header('vary')).toBe('Origin')
  })

  it('means nothing where cors is not configured', async () => {
    expect((await ask(undefined, 'POST', { origin: PAGE })).header('access-control-allow-origin')).toBeNull()
    expect((await ask(undefined, 'OPTIONS', { origin: PAGE, ...PREFLIGHT })).status).toBe(405)
  })
})

describe('a preflight', () => {
  it('is told what it may send and how long that holds', async () => {
    const cors = { allowed_origins: [PAGE], allowed_headers: ['X-Shop'], max_age: 600 }
    const { status, header } = await ask(cors, 'OPTIONS', { origin: PAGE, ...PREFLIGHT })
    expect(status).toBe(204)
    expect(header('access-control-allow-methods')).toBe('POST')
    expect(header('access-control-allow-headers')).toBe('accept, content-type, x-requested-with, X-Shop')
    expect(header('access-control-allow-credentials')).toBe('true')
    expect(header('access-control-max-age')).toBe('600')
  })

  it('may send any header where * is allowed', async () => {
    const cors = { allowed_origins: [PAGE], allowed_headers: ['*'] }
    const { header } = await ask(cors, 'OPTIONS', { origin: PAGE, ...PREFLIGHT })
    expect(header('access-control-allow-headers')).toBe('content-type,x-shop')
  })

  it('of a foreign page is answered without permission', async () => {
    const { status, header } = await ask({ allowed_origins: [PAGE] }, 'OPTIONS', {
      origin: 'https://x.example',
      ...PREFLIGHT,
    })
    expect([status, header('access-control-allow-methods')]).toEqual([204, null])
  })
})

it('lets pages read the headers of the configuration', async () => {
  const { header } = await ask({ allowed_origins: [PAGE], exposed_headers: ['Retry-After'] }, 'POST', { origin: PAGE })
  expect(header('access-control-expose-headers')).toBe('Retry-After')
})
