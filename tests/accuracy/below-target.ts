const SILENT_VIEW =
  'where several faults at once damage most edges, or the service that all others hang from loses everything for a while, it may as well be that a share of the traffic goes to another gateway; the context rules are silent then (GW-001).'
const LATE_CALLS =
  'a call that comes more than 10 s after the root that it made (exports of both sides and the wait of their traces) is not compared with it, and of two callers of one operation at the same moment only time tells which lost it.'
const FEW_PROCESSES =
  'where what is missing belongs to one or two services, two that do not export look the same: the context rules are silent then, or speak of what a service that is seen called without an answer; and where less than ten parents or ten answers are missing in a minute, a split is not called one.'
const FEW_IN_A_BURST =
  'where a part of what one of several processes did for a few seconds is lost, ten orphans of an operation are too few to tell a burst from a steady share.'

/** Why a class stays below its target, by the name of its recipe; the page shows it where it does. */
export const WHY: Readonly<Record<string, string>> = {
  'sampling mismatch': `where the service around the missing spans calls the same operation itself, the orphans look like spans of its own calls, and the cause stays open; so it does of few traces. And ${SILENT_VIEW}`,
  'parent never ended': `${SILENT_VIEW} Where a service is entered by the lost span only, its orphans may come from a service that sends elsewhere; and the cause is open where the lost spans stand beside calls that nobody answers.`,
  'burst loss': FEW_IN_A_BURST,
  'cut header, all out of a caller': `${LATE_CALLS} And ${SILENT_VIEW}`,
  'cut header, all into a callee': `${LATE_CALLS} A share of the calls that happens to be all of one route looks like a route that is stripped.`,
  'cut header, two formats': `${LATE_CALLS} And ${SILENT_VIEW}`,
  'links stripped': `${LATE_CALLS} And ${SILENT_VIEW}`,
  'sibling as parent':
    'a sibling that lasts less than 10 µs did no step of its own as far as anybody can see: that is taken for a parent that was ended too early (LIFE-003).',
  'context reused':
    'steps are compared with requests only, not with the jobs that nobody asked for, and where a good part belongs to such jobs they look like asynchronous work; and a context that several processes keep may get fewer than five spans in each.',
  'trace id cut to 64 bits': SILENT_VIEW,
  'sent twice': SILENT_VIEW,
  'split over 2 gateways': FEW_PROCESSES,
  'split over 3 gateways': FEW_PROCESSES,
  'clock drifting':
    'offsets of clocks that few calls cross rest on single bursts of them: within one of these a drift looks steady, and what it adds is too little to say.',
  'double instrumentation':
    'two entries are one call by the call that is their parent: where another fault of the run takes that away (a cut header, a proxy, dropped spans), they look like work that fans out.',
  'clock stepped':
    'a step is placed by the 16 calls before and after it that waited least; where one side waits far longer than the other, or a callee ends its span before it answers, they scatter by more than the step.',
}
