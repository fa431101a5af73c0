import { type ChildProcess, fork } from 'node:child_process'

/** Questions that a process of the bench answers to the one that started it. */
export type Answers = Readonly<Record<string, () => unknown>>

interface Question {
  readonly id: number
  readonly name: string
}

/** In the child: answers the parent, and ends when the parent does. */
export function answerParent(answers: Answers): void {
  process.on('disconnect', () => process.exit(0))
  process.on('message', async ({ id, name }: Question) => process.send!({ id, value: await answers[name]!() }))
  process.send!('ready')
}

/** In the parent: a process of the bench that runs one of its files. */
export class Child {
  readonly #process: ChildProcess
  readonly #waiting = new Map<number, (value: never) => void>()
  readonly #ready: Promise<void>
  #lastId = 0

  constructor(file: URL, args: readonly string[] = []) {
    this.#process = fork(file, args, { execArgv: [], stdio: ['ignore', 'inherit', 'inherit', 'ipc'] })
    this.#ready = new Promise((resolve) => this.#process.once('message', () => resolve()))
    this.#process.on('message', ({ id, value }: { id: number; value: never }) => {
      this.#waiting.get(id)?.(value)
      this.#waiting.delete(id)
    })
  }

  async ask<T>(name: string): Promise<T> {
    await this.#ready
    const id = ++this.#lastId
    this.#process.send({ id, name })
    return new Promise<T>((resolve) => this.#waiting.set(id, resolve as (value: never) => void))
  }

  end(): void {
    this.#process.kill()
  }
}
