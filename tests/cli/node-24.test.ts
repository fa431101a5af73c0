import { spawnSync } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { describe, expect, it } from '@jest/globals'

const ROOT = fileURLToPath(new URL('../../', import.meta.url))

/** Starts the program on a Node that takes itself for another one. */
function blindspotOn(version: string) {
  const pretend = `Object.defineProperty(process, 'versions', { value: { ...process.versions, node: '${version}' } })`
  const script = `${pretend}; process.argv.push('blindspot', '--version'); await import('./cli/blindspot.js')`
  return spawnSync(process.execPath, ['--input-type=module', '-e', script], { cwd: ROOT, encoding: 'utf8' })
}

describe('a Node that is too old', () => {
  it.each(['18.20.0', '20.20.2', '22.15.0'])(
    '%s is told so in one line, before anything of the program is read',
    (version) => {
      const { status, stdout, stderr } = blindspotOn(version)
      expect({ status, stdout }).toEqual({ status: 1, stdout: '' })
      expect(stderr).toMatch(new RegExp(`^blindspot needs Node 24 or newer, and this is ${version}: .*\n$`))
    },
  )

  it('is not one from 24 on', () => {
    expect(blindspotOn('25.1.0')).toMatchObject({ status: 0, stdout: expect.stringMatching(/^blindspot \d/) })
  })
})
