import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { connect, createServer } from 'node:net'

/** A program that is measured: something that runs a pipeline in the Collector's form. */
export interface Subject {
  readonly name: string
  command(configFile: string): readonly string[]
}

const START_SECONDS = 30
/** The longest that a trace may stay in a window, and then some for the queue. */
const STOP_SECONDS = 130

/** A started subject. Its output is shown when it does not do what it should. */
export class RunningSubject {
  readonly endpoint: string
  readonly #process: ChildProcess
  readonly #exited: Promise<unknown>
  #output = ''

  private constructor(process: ChildProcess, endpoint: string) {
    this.#process = process
    this.endpoint = endpoint
    this.#exited = once(process, 'exit')
    for (const stream of [process.stdout!, process.stderr!])
      stream.on('data', (chunk) => {
        this.#output = (this.#output + chunk).slice(-10_000)
      })
  }

  static async start(subject: Subject, configFile: string, sinkPort: number): Promise<RunningSubject> {
    const port = await freePort()
    const endpoint = `127.0.0.1:${port}`
    const env = { ...process.env, BENCH_RECEIVER: endpoint, BENCH_SINK: `127.0.0.1:${sinkPort}` }
    const [program, ...args] = subject.command(configFile)
    const child = spawn(program!, args, { env, stdio: ['ignore', 'pipe', 'pipe'] })
    const running = new RunningSubject(child, endpoint)
    for (let attempt = 0; !(await isListening(port)); attempt++) {
      if (child.exitCode !== null || attempt > START_SECONDS * 10) {
        child.kill('SIGKILL')
        throw new Error(`${subject.name} does not listen:\n${running.#output}`)
      }
      await new Promise((resolve) => setTimeout(resolve, 100))
    }
    return running
  }

  get pid(): number {
    return this.#process.pid!
  }

  /** The end of what it has printed. */
  get output(): string {
    return this.#output
  }

  get failed(): string | null {
    return this.#process.exitCode === null ? null : this.#output
  }

  /** Asks it to end as an operator does, and waits until everything it held is sent. */
  async stop(): Promise<void> {
    this.#process.kill('SIGTERM')
    const late = setTimeout(() => this.#process.kill('SIGKILL'), STOP_SECONDS * 1000)
    await this.#exited
    clearTimeout(late)
    if (this.#process.exitCode !== 0)
      throw new Error(`it ended by ${this.#process.signalCode ?? this.#process.exitCode}:\n${this.#output}`)
  }

  kill(): void {
    this.#process.kill('SIGKILL')
  }
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as { port: number }
  server.close()
  await once(server, 'close')
  return port
}

function isListening(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1')
    socket.on('connect', () => resolve(true))
    socket.on('error', () => resolve(false))
    socket.on('connect', () => socket.destroy())
  })
}
