/**
 * What a resource says of the clock that its spans were taken with. Which of it names the clock is decided once all
 * sources are known: a host name counts as a machine only when several instances share it.
 */
export interface ClockSource {
  /** Equal for all resources that say the same; canonical, so that shards agree. */
  readonly key: string
  /** `host.id`, else `k8s.node.name`: the machine, whatever else is known. */
  readonly machine: string | null
  /** `host.name`, unless it is only the name of the pod. */
  readonly host: string | null
  readonly ip: string | null
  readonly instance: string | null
}

/** Null where a resource says nothing by which two clocks could be told apart. */
export function clockSourceOf(attributes: ReadonlyMap<string, unknown>, instance: string): ClockSource | null {
  const text = (key: string) => firstOf(attributes.get(key))
  const machine = text('host.id') ?? text('k8s.node.name')
  if (machine !== null) return { key: JSON.stringify([machine]), machine, host: null, ip: null, instance: null }
  const name = text('host.name')
  const host = name === text('k8s.pod.name') ? null : name
  const ip = text('host.ip')
  const own = instance === '' ? null : instance
  if (host === null && ip === null && own === null) return null
  return { key: JSON.stringify([host, ip, own]), machine, host, ip, instance: own }
}

/** The text of an attribute; of an array, which resources hold as JSON, that of its first member. */
function firstOf(value: unknown): string | null {
  if (value === undefined || value === null || value === '') return null
  const text = String(value)
  if (!text.startsWith('[')) return text
  try {
    const members: unknown = JSON.parse(text)
    return Array.isArray(members) ? firstOf(members[0]) : text
  } catch {
    return text
  }
}

/** Names the clock domain of each source; knows how many instances a host name has. */
export class ClockDomains {
  readonly #instancesByHost = new Map<string, Set<string>>()

  add({ host, instance, ip }: ClockSource): void {
    if (host === null) return
    let instances = this.#instancesByHost.get(host)
    if (!instances) {
      instances = new Set()
      this.#instancesByHost.set(host, instances)
    }
    // Two are enough to tell a machine from a container that has a name of its own.
    if (instances.size < 2) instances.add(instance ?? ip ?? '')
  }

  nameOf({ machine, host, ip, instance }: ClockSource): string {
    if (machine !== null) return machine
    if (host !== null && (this.#instancesByHost.get(host)?.size ?? 0) > 1) return host
    return ip ?? instance ?? host!
  }
}

/** Ids in the order of people: 10.0.1.61 before 10.0.1.212. */
export const compareIds = new Intl.Collator('en', { numeric: true }).compare
