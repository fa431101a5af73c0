import type { ResourceRef } from '../../otlp/resource.ts'
import type { GoProcess } from './go-process.ts'

/**
 * The Go processes that have shown themselves, by service and instance, those that were silent for longest first. A stale
 * one stays until its place is needed: when it comes back its totals go on.
 */
export class ProcessTable {
  readonly #maxProcesses: number
  readonly #create: (resource: ResourceRef) => GoProcess
  readonly #forget: (process: GoProcess) => void
  readonly #processes = new Map<string, GoProcess>()
  #evicted = 0

  constructor(
    maxProcesses: number,
    create: (resource: ResourceRef) => GoProcess,
    forget: (process: GoProcess) => void,
  ) {
    this.#maxProcesses = maxProcesses
    this.#create = create
    this.#forget = forget
  }

  get evicted(): number {
    return this.#evicted
  }

  get all(): Iterable<GoProcess> {
    return this.#processes.values()
  }

  /** The process of a resource, made where it is new. */
  of(resource: ResourceRef, nowMs: number): GoProcess {
    const key = `${resource.serviceName}\0${resource.instance}`
    let process = this.#processes.get(key)
    if (process) this.#processes.delete(key)
    else {
      if (this.#processes.size >= this.#maxProcesses) this.#evictFirst()
      process = this.#create(resource)
    }
    this.#processes.set(key, process)
    process.show(resource, nowMs)
    return process
  }

  #evictFirst(): void {
    const [key, process] = this.#processes.entries().next().value!
    this.#processes.delete(key)
    this.#evicted++
    this.#forget(process)
  }
}
