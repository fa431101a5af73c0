import { type ChildProcess, spawn } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterThisTest } from './after-this-test.ts'

const ROOT = fileURLToPath(new URL('../../', import.meta.url))

/** `blindspot ARGS` in a process of its own, as an operator starts it. Ends with the test at the latest. */
export class Program {
  /** The exit code; null after a signal that it did not handle. */
  readonly ended: Promise<number | null>
  readonly #child: ChildProcess
  readonly #listeners = new Set<() => void>()
  #output = ''
  /** How it ended, for messages. */
  #end = ''

  constructor(args: readonly string[], { env = {}, cwd = ROOT }: { env?: Record<string, string>; cwd?: string } = {}) {
    this.#child = spawn(process.execPath, [join(ROOT, 'cli/blindspot.js'), ...args], {
      cwd,
      env: { ...process.env, ...env },
    })
    this.ended = new Promise((resolve) =>
      this.#child.on('close', (code, signal) => {
        this.#end = signal ?? `exit code ${code}`
        resolve(code)
      }),
    )
    const hear = (chunk: Buffer) => {
      this.#output += chunk.toString()
      for (const listener of this.#listeners) listener()
    }
    this.#child.stdout!.on('data', hear)
    this.#child.stderr!.on('data', hear)
    afterThisTest(() => {
      this.signal('SIGKILL')
      return this.ended
    })
  }

  /** Runs a pipeline.yaml with `text` in it, and resolves when the gateway says that it runs. */
  static async run(text: string): Promise<Program> {
    const folder = mkdtempSync(join(tmpdir(), 'blindspot-'))
    afterThisTest(() => rmSync(folder, { recursive: true }))
    writeFileSync(join(folder, 'pipeline.yaml'), text)
    const program = new Program(['run', '--config', 'pipeline.yaml'], { cwd: folder })
    await program.said(/is running/)
    return program
  }

  get pid(): number {
    return this.#child.pid!
  }

  /** Standard output and standard error, as they came. */
  get output(): string {
    return this.#output
  }

  /** Resolves with all that was written, once `pattern` is in it; rejects when the program ends without it. */
  said(pattern: RegExp): Promise<string> {
    return new Promise((resolve, reject) => {
      const look = () => {
        if (!pattern.test(this.#output)) return
        this.#listeners.delete(look)
        resolve(this.#output)
      }
      this.#listeners.add(look)
      look()
      this.ended.then(() => reject(new Error(`it ended (${this.#end}) without ${pattern}: ${this.#output}`)))
    })
  }

  /** Where the receiver `otlp` listens, by what the start-up message says. */
  address(protocol: 'gRPC' | 'HTTP'): string {
    const [, address] = new RegExp(`OTLP over ${protocol} to (\\S+)`).exec(this.#output) ?? []
    if (address === undefined) throw new Error(`it does not say where it listens for ${protocol}: ${this.#output}`)
    return address
  }

  signal(name: NodeJS.Signals): void {
    this.#child.kill(name)
  }

  /** Stops it as an orchestrator does, and says with which code it ended. */
  stop(): Promise<number | null> {
    this.signal('SIGTERM')
    return this.ended
  }
}
