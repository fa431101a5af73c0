import type { Boundary, Level, Place } from '../../component/finding.ts'
import type { Signal } from '../../component/signal.ts'

/** Below this a cause is a guess: the finding says `undetermined` instead. */
export const UNDETERMINED = 'undetermined'

/** One reason for a trouble: an entry of the rule's closed list. */
export interface Cause {
  readonly cause: string
  /** Not told apart by this version: such findings say `undetermined`, or are not made. */
  readonly planned?: true
  /** One line: what is going on. */
  readonly means: string
  /** How it is mended, for whoever owns the service. */
  readonly mend: string
  /** The mending in Go. Every cause but `undetermined` has this or `config`: words alone mend nothing. */
  readonly go?: string
  /** The mending where no Go service is at fault: in the configuration of what is. */
  readonly config?: ConfigExample
}

export interface ConfigExample {
  /** Where it goes: `In Envoy`, `In /etc/chrony/chrony.conf`. */
  readonly where: string
  readonly language: 'yaml' | 'sh'
  readonly text: string
}

/** A key of `values` in findings, log records and reports. */
export interface Value {
  readonly key: string
  /** In the values of the finding, or in those of each piece of evidence. */
  readonly of: 'finding' | 'evidence' | 'both'
  /** UCUM, `1` for a share; empty for text. */
  readonly unit: string
  readonly means: string
}

/** A number that decides, by the key under which the processor's configuration has it. */
export interface Threshold {
  readonly key: string
  readonly default: string
  readonly unit: string
  /** Why it is not another number. */
  readonly reason: string
}

/** A number that decides and cannot be set. */
export interface FixedNumber {
  readonly what: string
  readonly value: string
  /**
   * The constants of the detector that it stands for, each as file in processors/ and name; none where it follows from how
   * the rule works. A test holds `value` against them.
   */
  readonly constants: readonly string[]
  /** Why it is not another number. */
  readonly reason: string
}

/** Of how many there could have been. */
export interface Population {
  /** What the number belongs to. Where parts of a finding share it (an edge), it is not added up. */
  readonly per: 'operation' | 'edge' | 'process' | 'pair' | 'gateway'
  readonly what: string
}

/** Which parts of a place make two troubles two findings, beside rule, service, edge and cause. */
export interface KeyParts {
  /** Always, never, or only for these causes. */
  readonly operation: boolean | readonly string[]
  readonly instance: boolean
}

/** A finding for the rule's page: one that was made, or one as it could be. */
export interface Example {
  /** The recording in examples/recordings/ in which a replay finds it. */
  readonly recording?: string
  readonly level: Level
  readonly cause: string
  readonly confidence: number
  readonly causeConfidence: number
  readonly service: string
  readonly instance?: string
  readonly operation: string | null
  readonly edge?: { readonly from: string; readonly to: string; readonly boundary: Boundary }
  readonly occurrences: number
  readonly population: number
  readonly message: string
  readonly values: Readonly<Record<string, number | string | boolean>>
}

/** All that is known of a rule before any data comes: configuration, pages and the report take it from here. */
export interface Rule {
  /** `CTX-001`: an interface, never changed. */
  readonly id: string
  readonly name: string
  /** The levels at which it can speak, worst first. */
  readonly levels: readonly Level[]
  /** Whether this version can find it; otherwise the id is reserved and documented. */
  readonly detected: boolean
  readonly processor: string
  readonly signals: readonly Signal[]
  /** What of these signals it reads. */
  readonly reads: string
  /** One sentence: when it speaks. */
  readonly when: string
  /** What it means for who runs the services. */
  readonly meaning: string
  /** How it looks in a trace or a chart; drawn with characters. */
  readonly drawing: string
  readonly key: KeyParts
  /** The unit of an occurrence, in the singular. */
  readonly occurrence: string
  readonly population: Population
  /**
   * The message of a finding that a detector reports in parts (the operations of an edge), whose messages have the numbers
   * of a part only.
   */
  readonly messageOfAll?: (place: Place, occurrences: number, population: number) => string
  /** What the spans (or data points) of its evidence are: `span_id` and `related_span_id` of the report. */
  readonly evidence: string
  readonly causes: readonly Cause[]
  readonly values: readonly Value[]
  readonly thresholds: readonly Threshold[]
  /** What decides beside the thresholds. A rule has at least one number of either kind. */
  readonly fixed: readonly FixedNumber[]
  /** What it cannot see, or keeps silent about. */
  readonly blindTo: readonly string[]
  readonly example: Example
}

/** Where the rule's page lies, from the root of the repository and of the published package. */
export function pageOf(rule: Rule): string {
  return `docs/rules/${rule.id}.md`
}

/** The cause for which evidence does not yet suffice; most rules have it. */
export const undetermined: Cause = {
  cause: UNDETERMINED,
  means: 'It happens, but what was seen so far does not say why.',
  mend: 'Look at the example traces. When more calls decide for a cause, this finding is superseded by one that names it.',
}
