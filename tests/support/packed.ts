import { execFileSync } from 'node:child_process'
import { globSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

const ROOT = fileURLToPath(new URL('../..', import.meta.url))

interface Manifest {
  readonly version: string
  readonly bin: Readonly<Record<string, string>>
  readonly engines: Readonly<Record<string, string>>
  readonly dependencies: Readonly<Record<string, string>>
  readonly optionalDependencies?: Readonly<Record<string, string>>
}

/**
 * The package as `npm pack` makes it, installed in a folder outside the checkout without a registry: what the packed
 * manifest names as dependencies is there (linked to the checkout's), and nothing else can be found.
 */
export class PackedInstall {
  /** Where a user would stand. */
  readonly folder: string
  readonly #package: string

  constructor() {
    this.folder = mkdtempSync(join(tmpdir(), 'blindspot-packed-'))
    this.#package = join(this.folder, 'node_modules', 'blindspot')
    mkdirSync(this.#package, { recursive: true })
    // prepack compiles; its output is of no interest unless it fails.
    execFileSync('npm', ['pack', '--silent', '--pack-destination', this.folder], { cwd: ROOT, stdio: 'pipe' })
    const [tarball] = globSync('*.tgz', { cwd: this.folder })
    execFileSync('tar', ['-xzf', join(this.folder, tarball!), '-C', this.#package, '--strip-components=1'])
    for (const name of Object.keys(this.manifest.dependencies)) {
      const link = join(this.folder, 'node_modules', name)
      mkdirSync(dirname(link), { recursive: true })
      symlinkSync(join(ROOT, 'node_modules', name), link)
    }
  }

  get manifest(): Manifest {
    return JSON.parse(readFileSync(join(this.#package, 'package.json'), 'utf8'))
  }

  /** Paths inside the package. */
  get files(): string[] {
    return globSync('**/*', { cwd: this.#package }).sort()
  }

  /** What `blindspot` starts. */
  get program(): string {
    return join(this.#package, this.manifest.bin.blindspot!)
  }

  path(file: string): string {
    return join(this.#package, file)
  }

  remove(): void {
    rmSync(this.folder, { recursive: true, force: true })
  }
}
