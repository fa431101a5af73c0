import { type FileHandle, mkdir, open, readdir, rename, rm, stat } from 'node:fs/promises'
import { basename, dirname, extname, join } from 'node:path'
import type { Clock } from '../../component/clock.ts'
import type { FileConfig } from './config.ts'

const MEGABYTE = 1024 * 1024
const DAY_MS = 86_400_000

/**
 * A file that is put aside when it has grown or aged enough, as `name-2026-01-01T00-00-00.000.ext`, and the oldest of
 * those deleted. It writes at the place where it knows the last good byte to be, so that what is written again after an
 * error replaces what was written in part.
 */
export class RotatingFile {
  readonly #config: FileConfig
  readonly #clock: Clock
  #handle: FileHandle | null = null
  #offset = 0
  #openedAtMs = 0

  constructor(config: FileConfig, clock: Clock) {
    this.#config = config
    this.#clock = clock
  }

  async open(): Promise<void> {
    const { path, append, rotation, create_directory } = this.#config
    if (create_directory) await mkdir(dirname(path), { recursive: true })
    await this.#open(append || rotation !== undefined)
    await this.#prune()
  }

  async write(chunk: Uint8Array): Promise<void> {
    if (this.#isDue(chunk.byteLength)) await this.#rotate()
    const handle = this.#handle ?? (await this.#open(true))
    for (let done = 0; done < chunk.byteLength; ) {
      const { bytesWritten } = await handle.write(chunk, done, chunk.byteLength - done, this.#offset + done)
      done += bytesWritten
    }
    this.#offset += chunk.byteLength
  }

  async close(): Promise<void> {
    await this.#handle?.close()
    this.#handle = null
  }

  async #open(keep: boolean): Promise<FileHandle> {
    const handle = await open(this.#config.path, keep ? 'a' : 'w').then(async (created) => {
      await created.close()
      return open(this.#config.path, 'r+')
    })
    const { size, birthtimeMs } = await handle.stat()
    this.#handle = handle
    this.#offset = size
    this.#openedAtMs = size === 0 ? this.#clock.nowMs() : Math.min(birthtimeMs, this.#clock.nowMs())
    return handle
  }

  #isDue(moreBytes: number): boolean {
    const { rotation } = this.#config
    if (rotation === undefined || this.#offset === 0) return false
    const tooLarge = this.#offset + moreBytes > rotation.max_megabytes * MEGABYTE
    const tooOld = rotation.max_days > 0 && this.#clock.nowMs() >= this.#openedAtMs + rotation.max_days * DAY_MS
    return tooLarge || tooOld
  }

  async #rotate(): Promise<void> {
    await this.close()
    // Somebody may have taken the file away: then there is nothing to put aside.
    await rename(this.#config.path, await this.#backupPath()).catch((error: NodeJS.ErrnoException) => {
      if (error.code !== 'ENOENT') throw error
    })
    await this.#open(false)
    await this.#prune()
  }

  /** A name that is not taken: two within a millisecond get the next one. */
  async #backupPath(): Promise<string> {
    const { path, rotation } = this.#config
    for (let ms = this.#clock.nowMs(); ; ms++) {
      const candidate = join(dirname(path), backupName(path, ms, rotation!.localtime))
      if ((await stat(candidate).catch(() => null)) === null) return candidate
    }
  }

  async #prune(): Promise<void> {
    const { path, rotation } = this.#config
    if (rotation === undefined) return
    const { max_backups, max_days, localtime } = rotation
    const oldestKept = max_days > 0 ? backupName(path, this.#clock.nowMs() - max_days * DAY_MS, localtime) : ''
    const newestFirst = (await readdir(dirname(path)))
      .filter((name) => isBackup(path, name))
      .sort()
      .reverse()
    const obsolete = newestFirst.filter((name, i) => (max_backups > 0 && i >= max_backups) || name < oldestKept)
    await Promise.all(obsolete.map((name) => rm(join(dirname(path), name), { force: true })))
  }
}

/** `traces.json` of a time: `traces-2026-01-01T00-00-00.000.json`. Names sort as the times do. */
export function backupName(path: string, ms: number, localtime: boolean): string {
  const date = new Date(ms)
  const shown = localtime ? new Date(ms - date.getTimezoneOffset() * 60_000) : date
  const time = shown.toISOString().slice(0, 23).replaceAll(':', '-')
  return `${basename(path, extname(path))}-${time}${extname(path)}`
}

function isBackup(path: string, name: string): boolean {
  const prefix = `${basename(path, extname(path))}-`
  const ext = extname(path)
  if (!name.startsWith(prefix) || !name.endsWith(ext)) return false
  return /^\d{4}-\d\d-\d\dT\d\d-\d\d-\d\d\.\d{3}$/.test(name.slice(prefix.length, name.length - ext.length))
}
