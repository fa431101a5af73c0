import type { Rule } from '../rule.ts'

export const rule: Rule = {
  id: 'GW-001',
  name: 'partial_view',
  levels: ['info'],
  detected: true,
  processor: 'context_propagation',
  signals: ['traces'],
  reads: 'the share of missing parents and of missing children on all edges at once',
  when: 'Parents and children are missing on many edges at once, of whole processes only, and no one or two services explain it.',
  meaning:
    'This gateway sees only a share of the traffic, so nothing that is missing here is known to be missing at all. While this stands the CTX rules are silent.',
  drawing: `
    at gateway 1   frontend   GET /cart        ████████████████████
                     frontend   cart.GetItems    ██████████████     CLIENT, no child      <- its answer went to gateway 2

    at gateway 2       cart       Cart/GetItems    ██████████       parent is not here    <- its caller went to gateway 1`,
  key: { operation: false, instance: false },
  occurrence: 'judgement in which the view was partial',
  population: { per: 'gateway', what: 'judgements' },
  evidence: 'there is none: what is missing cannot be shown',
  causes: [
    {
      cause: 'split_traffic',
      means:
        'A load balancer spreads connections over several gateways, so that the spans of one trace arrive at different ones.',
      mend: 'Route by trace id: put a load-balancing exporter (routing_key: traceID) in front, or let one gateway see everything.',
      config: {
        where: 'In an OpenTelemetry Collector in front of several gateways',
        language: 'yaml',
        text: `exporters:
  load_balancing: # loadbalancing in older versions
    routing_key: traceID
    protocol:
      otlp:
        tls: { insecure: true }
    resolver:
      dns: { hostname: blindspot-headless.observability.svc.cluster.local, port: 4317 }`,
      },
    },
  ],
  values: [
    { key: 'estimated_share', of: 'finding', unit: '1', means: 'share of all spans that arrive here, estimated' },
  ],
  thresholds: [],
  fixed: [
    {
      what: 'missing parents, and missing children, from which it is judged',
      value: '20 each, and 0.1 of what could be there',
      constants: [
        'context-propagation/partial-view/partial-view-decision.ts DECIDE_FROM',
        'context-propagation/partial-view/partial-view-decision.ts MISSING_FROM',
      ],
      reason: 'Restarts and lost batches leave fewer.',
    },
    {
      what: 'places (entries of a service, calls from one to another) that must be damaged',
      value: '0.4',
      constants: ['context-propagation/partial-view/partial-view-decision.ts DAMAGED_PLACES'],
      reason: 'A service that does not export damages only its own.',
    },
    {
      what: 'hidden services that it takes to explain the damage',
      value: '3, or 2 where nearly all places are damaged',
      constants: ['context-propagation/partial-view/partial-view-decision.ts MANY'],
      reason: 'One or two services that export nothing are a finding about these, not about the view.',
    },
    {
      what: 'missing parents, and missing children, where that many are hidden and less is missing on one of the sides',
      value: '10 each',
      constants: ['context-propagation/partial-view/partial-view-decision.ts SURE_FROM'],
      reason:
        'How much is missing on either side depends on where requests enter; each of the three explains 5 at least.',
    },
    {
      what: 'orphans within one process, at most',
      value: '0.1',
      constants: ['context-propagation/partial-view/partial-view-decision.ts INNER_ORPHANS'],
      reason: 'Processes are seen whole or not at all; spans that are lost one by one are no split.',
    },
    {
      what: 'missing parents, and missing children, places damaged and hidden services from which it is doubtful, so that the CTX rules are silent',
      value: '5 each; 0.6 and 2, or 0.4 and 3',
      constants: [
        'context-propagation/partial-view/partial-view-decision.ts DOUBT_FROM',
        'context-propagation/partial-view/partial-view-decision.ts DOUBTFUL_PLACES',
      ],
      reason: 'Too little to say, and too much to rule out: silence is better than a guess.',
    },
    {
      what: 'how long it must show before it is published',
      value: '20 s',
      constants: ['context-propagation/partial-view/partial-view-judge.ts CONFIRM_AFTER_MS'],
      reason:
        'An agent that batches for ten seconds looks alike until then. CTX findings are withheld from the first suspicion on. The confidence is 0.9 until then, and 0.97 from then on.',
    },
  ],
  blindTo: [
    'A split that hides a single service or instance looks like one that does not export; and where no caller is here, nothing tells how much is missing. Orphans of services whose callers were never seen are not reported then (CTX-001).',
    'Services that are known to send elsewhere: name them in expected_elsewhere.',
    'When the view is whole again, what was counted in the partial time stays unsaid.',
  ],
  example: {
    level: 'info',
    cause: 'split_traffic',
    confidence: 0.97,
    causeConfidence: 0.97,
    service: 'blindspot',
    operation: null,
    occurrences: 1,
    population: 1,
    message:
      'This gateway sees about 50 % of all spans; what is missing may be at another one, so the CTX rules are silent.',
    values: { estimated_share: 0.5 },
  },
}
