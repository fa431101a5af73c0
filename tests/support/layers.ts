/** Top-level folders from the top down: a file imports from its own folder and from those below it. */
export const LAYERS: readonly string[] = [
  'cli',
  'pipeline',
  'receivers',
  'processors',
  'exporters',
  'extensions',
  'findings',
  'component',
  'otlp',
  'telemetry',
  'proto',
]

/** Folders that stand beside the layers: they may import everything, and no layer imports them. */
export const BESIDE: readonly string[] = ['tests', 'bench', 'docs', 'examples']

/** Layers whose folders are components, which never import one another. */
const OF_COMPONENTS: readonly string[] = ['receivers', 'processors', 'exporters', 'extensions']

/** What the components of a layer share: they may import it, and it imports no component. */
const SHARED_PARTS: readonly string[] = ['exporters/sending']

const IMPORT =
  /^(?:import|export)\s[^'"`;]*?from\s+'([^']+)'|^import\s+'([^']+)'|\bimport\(\s*'([^']+)'\s*\)|^\}\s*from\s+'([^']+)'/gm

/** The modules that a TypeScript source names in imports and re-exports, types included. */
export function importsOf(source: string): string[] {
  return [...source.matchAll(IMPORT)].map((match) => (match[1] ?? match[2] ?? match[3] ?? match[4])!)
}

/** Why a file may not import another, both as paths from the root; null if it may. */
export function importTrouble(file: string, imported: string): string | null {
  const [from, to] = [place(file), place(imported)]
  if (from.beside) return null
  if (to.beside) return `${to.layer} stands beside the program`
  if (to.rank < 0) return `${to.layer} is no folder of the program`
  if (to.rank < from.rank) return `${to.layer} lies above ${from.layer}`
  if (to.component !== null && from.component !== to.component && OF_COMPONENTS.includes(from.layer))
    return `${from.component ?? file} and ${to.component} are components of their own`
  return null
}

export function isKnownFolder(folder: string): boolean {
  return LAYERS.includes(folder) || BESIDE.includes(folder)
}

interface Place {
  readonly layer: string
  /** In LAYERS; -1 for what is no layer. */
  readonly rank: number
  readonly beside: boolean
  /** `exporters/debug`; null in layers without components and in what components share. */
  readonly component: string | null
}

function place(file: string): Place {
  const parts = file.split('/')
  const layer = parts[0]!
  const folder = parts.slice(0, 2).join('/')
  const inComponent = OF_COMPONENTS.includes(layer) && parts.length > 2 && !SHARED_PARTS.includes(folder)
  return {
    layer,
    rank: LAYERS.indexOf(layer),
    beside: BESIDE.includes(layer),
    component: inComponent ? folder : null,
  }
}
