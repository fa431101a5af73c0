import { describe, expect, it } from '@jest/globals'
import { narrowToAuthority } from '../../otlp/url-authority.ts'

describe('the authority of a URL', () => {
  it.each([
    ['http://cart:8080/items/7?all=1', 'cart:8080'],
    ['https://cart.shop.svc', 'cart.shop.svc'],
    ['https://user:secret@cart/items/@me', 'cart'],
    ['http://[::1]:8080/', '[::1]:8080'],
    ['http://cart?next=http://other/', 'cart'],
    ['grpc://cart#top', 'cart'],
    ['/items/7', null],
    ['http:///items', null],
    ['http://', null],
    ['/', null],
    ['', null],
  ])('of %j is %j', (text, expected) => {
    const bytes = Buffer.from(`\u{1f6d2}${text}//after`)
    const url = { bytes, start: 4, end: 4 + text.length }
    const found = narrowToAuthority(url)
    expect(found ? bytes.toString('utf8', url.start, url.end) : null).toBe(expected)
  })
})
