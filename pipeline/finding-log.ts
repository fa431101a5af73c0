import type { FindingEvent, FindingSource } from '../component/finding-source.ts'
import type { Logger } from '../telemetry/logger.ts'

/** Writes one line when a finding opens or changes its state; returns the function that ends it. */
export function logFindings(source: FindingSource, logger: Logger): () => void {
  return source.subscribe((event) => {
    const line = lineOf(event)
    if (event.finding.state === 'retracted' || event.finding.state === 'resolved') logger.info(line)
    else logger.warn(line)
  })
}

/** `CTX-002 context_lost_between_services confirmed: frontend → search (grpc), stripped_on_the_way: 20 of 20 calls …` */
function lineOf({ finding }: FindingEvent): string {
  const { rule, name, state, place, cause, message, evidence } = finding
  const where = place.edge ? `${place.edge.from} → ${place.edge.to} (${place.edge.boundary})` : place.service
  const first = evidence[0]
  const example = first?.kind === 'span' ? ` e.g. trace ${first.traceId} span ${first.spanId}` : ''
  return `${rule} ${name} ${state}: ${where}, ${cause}: ${message}${example}`
}
