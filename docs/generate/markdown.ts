/** A table; bars in cells are escaped. */
export function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  return [head, head.map(() => '---'), ...rows].map(row).join('\n')
}

export function section(title: string, text: string): string {
  return `## ${title}\n\n${text}`
}

export function fence(language: string, code: string): string {
  return `\`\`\`${language}\n${code}\n\`\`\``
}

/** Blocks of text with an empty line between, as a file. */
export function page(...blocks: readonly string[]): string {
  return `${blocks.join('\n\n')}\n`
}

/**
 * A page that is written by hand, with one part of it made: what stands between `<!-- NAME -->` and `<!-- /NAME -->` is
 * replaced. Throws where the marks are missing, which is a mistake in the page.
 */
export function replacePart(text: string, name: string, part: string): string {
  const marks = new RegExp(`(<!-- ${name}\\b[^>]*-->\\n)[^]*(<!-- /${name} -->)`)
  if (!marks.test(text)) throw new Error(`the page has no <!-- ${name} --> and <!-- /${name} -->`)
  return text.replace(marks, (_, begin: string, end: string) => `${begin}\n${part}\n\n${end}`)
}

function row(cells: readonly string[]): string {
  return `| ${cells.map((cell) => cell.replaceAll('|', '\\|')).join(' | ')} |`
}
