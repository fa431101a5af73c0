import type { Io } from './command.ts'

const WIDTH = 30
/** A run that ends before this needs no bar. */
const SHOW_AFTER_MS = 1000
const REDRAW_MS = 100

/** How far a long run has come, on a terminal; elsewhere nothing. */
export class ProgressBar {
  readonly #stderr: Io['stderr']
  readonly #total: number
  readonly #nowMs: () => number
  readonly #startMs: number
  #drawnMs = 0
  #drawn = false

  constructor(io: Pick<Io, 'stderr'>, total: number, nowMs = () => performance.now()) {
    this.#stderr = io.stderr
    this.#total = total
    this.#nowMs = nowMs
    this.#startMs = nowMs()
  }

  show(done: number): void {
    if (!this.#stderr.isTTY) return
    const nowMs = this.#nowMs()
    if (nowMs - this.#startMs < SHOW_AFTER_MS || nowMs - this.#drawnMs < REDRAW_MS) return
    const share = Math.min(1, done / Math.max(1, this.#total))
    const filled = Math.round(share * WIDTH)
    const bar = '█'.repeat(filled) + '░'.repeat(WIDTH - filled)
    this.#stderr.write(`\r${bar} ${String(Math.floor(share * 100)).padStart(3)} %`)
    this.#drawnMs = nowMs
    this.#drawn = true
  }

  clear(): void {
    if (this.#drawn) this.#stderr.write('\r\u001b[2K')
    this.#drawn = false
  }
}
