import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { describe, expect, it } from '@jest/globals'

const BLINDSPOT = fileURLToPath(new URL('../../cli/blindspot.js', import.meta.url))

describe('blindspot schema | head', () => {
  it('ends as if all had been read', async () => {
    const child = spawn(process.execPath, [BLINDSPOT, 'schema'], { stdio: ['ignore', 'pipe', 'pipe'] })
    let errors = ''
    child.stderr.on('data', (chunk) => {
      errors += chunk
    })
    child.stdout.destroy()
    expect(await once(child, 'close')).toEqual([0, null])
    expect(errors).toBe('')
  })
})
