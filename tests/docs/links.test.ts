import { execFileSync } from 'node:child_process'
import { existsSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { describe, expect, it } from '@jest/globals'

const ROOT = join(import.meta.dirname, '../..')
/** Whatever git knows or would take: not what is installed or built. */
const PAGES = execFileSync('git', ['ls-files', '--cached', '--others', '--exclude-standard', '*.md'], {
  cwd: ROOT,
  encoding: 'utf8',
})
  .split('\n')
  .filter((path) => path !== '' && existsSync(join(ROOT, path)))

describe('every page', () => {
  it.each(PAGES)('%s links to what is there', (page) => {
    const broken = linksOf(read(page)).filter((link) => !leadsSomewhere(page, link))
    expect(broken).toEqual([])
  })
})

describe('every file of the sources', () => {
  it.each(PAGES)('that %s names is there', (page) => {
    const named = Array.from(read(page).matchAll(SOURCE), ([, path]) => path!)
    expect(
      named.filter((path) => !existsSync(join(ROOT, path)) && !existsSync(join(ROOT, dirname(page), path))),
    ).toEqual([])
  })
})

/** In code: a path with a folder of the repository and an ending. */
const SOURCE = /`(?:node )?((?:[a-z][\w-]*\/)+[\w.-]+\.(?:ts|js|json|yaml|md))[`' ]/g

function read(path: string): string {
  return readFileSync(join(ROOT, path), 'utf8')
}

function withoutCode(text: string): string {
  return text
    .replace(/^(```|~~~).*?^\1/gms, '')
    .replace(/^ {4}.*$/gm, '')
    .replace(/`[^`\n]*`/g, '')
}

/** Targets within the repository, of links and pictures. */
function linksOf(text: string): string[] {
  const links = Array.from(withoutCode(text).matchAll(/\]\(([^)\s]+)\)|(?:src|href)="([^"]+)"/g), ([, a, b]) => a ?? b!)
  return links.filter((link) => !/^[a-z]+:/.test(link))
}

function leadsSomewhere(page: string, link: string): boolean {
  const [path, anchor] = link.split('#') as [string, string | undefined]
  const target = path === '' ? page : join(dirname(page), path)
  if (!existsSync(join(ROOT, target))) return false
  return anchor === undefined || !target.endsWith('.md') || anchorsOf(read(target)).includes(anchor)
}

/** As GitHub makes them from headings. */
function anchorsOf(text: string): string[] {
  const headings = Array.from(text.replace(/^```.*?^```/gms, '').matchAll(/^#+ (.+)$/gm), ([, heading]) => heading!)
  return headings.map((heading) =>
    heading
      .toLowerCase()
      .replaceAll(/[^\p{L}\p{N}\s_-]/gu, '')
      .trim()
      .replaceAll(' ', '-'),
  )
}
