import type { Rule } from '../rule.ts'

export const rule: Rule = {
  id: 'GW-001',
  name: 'partial_view',
  levels: ['info'],
  detected: false,
  processor: 'context_propagation',
  signals: ['traces'],
  reads: 'the share of missing parents and of missing children on all edges at once',
  when: 'Parents and children are missing at a similar rate on all edges at once.',
  meaning:
    'This gateway sees only a share of the traffic, so nothing that is missing here is known to be missing at all. While this stands the CTX rules are silent.',
  drawing: `
    frontend  ──▶ gateway 1   sees the parents of one half …
    search    ──▶ gateway 2   … and the children of the other`,
  key: { operation: false, instance: false },
  occurrence: 'judgement in which the view was partial',
  population: { per: 'gateway', what: 'judgements' },
  causes: [
    {
      cause: 'split_traffic',
      means:
        'A load balancer spreads connections over several gateways, so that the spans of one trace arrive at different ones.',
      mend: 'Route by trace id: put a load-balancing exporter (routing_key: traceID) in front, or let one gateway see everything.',
    },
  ],
  values: [
    { key: 'estimated_share', of: 'finding', unit: '1', means: 'share of all spans that arrive here, estimated' },
  ],
  thresholds: [],
  blindTo: [
    'A split by service: when whole services send elsewhere, their edges are missing and the others are whole.',
  ],
  example: {
    level: 'info',
    cause: 'split_traffic',
    confidence: 0.9,
    causeConfidence: 0.9,
    service: 'blindspot',
    operation: null,
    occurrences: 1,
    population: 1,
    message: 'This gateway sees about a half of all spans; what is missing may be at another one.',
    values: { estimated_share: 0.5 },
  },
}
