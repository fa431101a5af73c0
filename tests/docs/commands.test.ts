import { execFileSync } from 'node:child_process'
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from '@jest/globals'
import { COMMANDS } from '../../cli/command-line.ts'

const ROOT = join(import.meta.dirname, '../..')
const SCRIPTS = Object.keys(JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')).scripts as object)
const PAGES = execFileSync('git', ['ls-files', '--cached', '--others', '--exclude-standard', '*.md'], {
  cwd: ROOT,
  encoding: 'utf8',
})
  .split('\n')
  .filter((path) => path !== '' && existsSync(join(ROOT, path)))

/** `--option` in the part of a line that belongs to a command: up to a pipe, a comment or the end of the code. */
const CALL = /(?:blindspot --|blindspot) ([a-z-]+)([^|`#\n]*)/g

describe('every page', () => {
  it.each(PAGES)('%s names scripts, commands and options that there are', async (page) => {
    const text = readFileSync(join(ROOT, page), 'utf8')
    const scripts = Array.from(
      text.matchAll(/npm (?:run (?:--silent )?|(?=start|test))([a-z][\w:-]*)/g),
      ([, name]) => name!,
    )
    expect(scripts.filter((name) => !SCRIPTS.includes(name))).toEqual([])
    for (const [call, name, rest] of text.matchAll(CALL)) {
      if (!Object.hasOwn(COMMANDS, name!)) continue
      const { usage } = await COMMANDS[name!]!()
      const options = Array.from(rest!.matchAll(/ (--[a-z][a-z-]*)/g), ([, option]) => option!)
      expect([call, options.filter((option) => !usage.includes(option))]).toEqual([call, []])
    }
  })
})
