import { SIGNALS, type Signal } from '../../component/signal.ts'
import { didYouMean } from './nearest.ts'

/** `type` or `type/name`, as in the Collector: white space around the slash does not count. */
export interface ComponentId {
  readonly type: string
  readonly name: string
  /** Both together, as everything refers to it. */
  readonly id: string
}

export type ParsedId<T> = { readonly ok: true; readonly value: T } | { readonly ok: false; readonly message: string }

const TYPE = /^[a-zA-Z][0-9a-zA-Z_]{0,62}$/
const NAME = /^[^\p{Z}\p{C}\p{S}]{1,1024}$/u

export function parseComponentId(written: string): ParsedId<ComponentId> {
  const slash = written.indexOf('/')
  const type = (slash < 0 ? written : written.slice(0, slash)).trim()
  const name = slash < 0 ? '' : written.slice(slash + 1).trim()
  if (type === '') return { ok: false, message: 'id must not be empty' }
  if (slash >= 0 && name === '')
    return { ok: false, message: `in "${written}" id: the part after / should not be empty` }
  if (!TYPE.test(type)) {
    return { ok: false, message: `"${type}" is no type; letters, digits and _ make one, at most 63, a letter first` }
  }
  if (name !== '' && !NAME.test(name)) {
    return {
      ok: false,
      message: `in "${written}" id: the part after / must have no white space, control or symbol characters`,
    }
  }
  return { ok: true, value: { type, name, id: name === '' ? type : `${type}/${name}` } }
}

/** `traces`, `metrics/second`: the signal of a pipeline and its id. */
export function parsePipelineId(written: string): ParsedId<{ signal: Signal; id: string }> {
  const parsed = parseComponentId(written)
  if (!parsed.ok) return parsed
  const signal = SIGNALS.find((known) => known === parsed.value.type)
  if (signal !== undefined) return { ok: true, value: { signal, id: parsed.value.id } }
  const hint = didYouMean(parsed.value.type, SIGNALS) || `; a pipeline is named ${SIGNALS.join(', ')}, or signal/name`
  return { ok: false, message: `unknown signal "${parsed.value.type}"${hint}` }
}
