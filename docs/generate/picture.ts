import { runCommandLine } from '../../cli/command-line.ts'

const RECORDING = 'examples/recordings/demo.otlp.pb.gz'
const COLUMNS = 138
const CHARACTER = 7.5
const LINE = 17
const MARGIN = 16
const COLOURS = { error: '#ff7b72', warn: '#e3b341', info: '#79c0ff' } as const
const LEVEL = /^(error|warn|info)( +)([A-Z]+-\d{3}\S*)/

/** What `npm run --silent blindspot -- replay examples/recordings/demo.otlp.pb.gz` shows, from the root of the checkout. */
export async function replayPicture(): Promise<string> {
  let shown = ''
  const nothing = { write() {} }
  const stdout = { write: (text: string) => (shown += text) }
  await runCommandLine(['replay', RECORDING], { stdout, stderr: nothing, env: {} })
  return pictureOf(shown)
}

/** A terminal with that text in it, as SVG. */
function pictureOf(text: string): string {
  const lines = text.trimEnd().split('\n').flatMap(wrapped)
  const width = Math.ceil(COLUMNS * CHARACTER) + 2 * MARGIN
  const height = lines.length * LINE + 2 * MARGIN
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}" viewBox="0 0 ${width} ${height}">`,
    '<title>The report of blindspot replay on the recording of the demo</title>',
    '<rect width="100%" height="100%" rx="8" fill="#0d1117"/>',
    '<g font-family="ui-monospace, SFMono-Regular, Menlo, Consolas, monospace" font-size="12" fill="#c9d1d9" xml:space="preserve" style="white-space: pre">',
    ...lines.map((line, i) => `<text x="${MARGIN}" y="${MARGIN + (i + 0.75) * LINE}">${coloured(line)}</text>`),
    '</g>',
    '</svg>',
    '',
  ].join('\n')
}

/** Long lines go on in the next, where they began. */
function wrapped(line: string): string[] {
  if (line.length <= COLUMNS) return [line]
  const indent = /^ */.exec(line)![0]
  const at = line.lastIndexOf(' ', COLUMNS)
  return [line.slice(0, at), ...wrapped(indent + line.slice(at + 1))]
}

function coloured(line: string): string {
  const level = LEVEL.exec(line)
  if (level === null) return escaped(line)
  const [all, name, space, rule] = level
  const colour = COLOURS[name as keyof typeof COLOURS]
  return `<tspan fill="${colour}">${name}</tspan>${space}<tspan font-weight="bold">${rule}</tspan>${escaped(line.slice(all.length))}`
}

function escaped(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;')
}
