import { validateHeaderName, validateHeaderValue } from 'node:http'
import { z } from 'zod'
import { secretString } from '../../component/config-types.ts'
import { block } from './config.ts'

/** What the client or the protocol sets itself. */
const RESERVED = /^(?:content-type|content-length|content-encoding|transfer-encoding|connection|te|host|grpc-.*)$/

export const headers = block(
  z
    .record(z.string(), secretString().refine(isHeaderValue, { error: 'has characters that a header cannot carry' }))
    .superRefine((config, context) => {
      for (const name of Object.keys(config))
        if (!isHeaderName(name))
          context.addIssue({ code: 'custom', path: [name], message: 'not the name of a header that can be set here' })
    }),
).describe('Headers that go with every request, such as authorization. Values are never printed.')

/** With names in lower case, as HTTP/2 demands. */
export function lowerCaseNames(config: z.output<typeof headers>): Record<string, string> {
  return Object.fromEntries(Object.entries(config).map(([name, value]) => [name.toLowerCase(), value]))
}

function isHeaderName(name: string): boolean {
  return !RESERVED.test(name.toLowerCase()) && passes(() => validateHeaderName(name))
}

function isHeaderValue(value: string): boolean {
  return passes(() => validateHeaderValue('value', value))
}

function passes(check: () => void): boolean {
  try {
    check()
    return true
  } catch {
    return false
  }
}
