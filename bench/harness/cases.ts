import type { Case } from './measure.ts'

const PLAIN = { warmupSeconds: 3, delivers: true, outputShareLimit: 1.05 }

/** What the gateway and the Collector both can do, from the same files. */
export const SHARED_CASES: readonly Case[] = [
  { ...PLAIN, name: 'receive only', pipeline: 'receive-only.yaml', delivers: false },
  { ...PLAIN, name: 'pass-through', pipeline: 'pass-through.yaml' },
  { ...PLAIN, name: 'batch', pipeline: 'batch.yaml' },
]

/** The window must be full first: broken traces stay for `quiet`, 6 s. */
export const DETECTORS: Case = { ...PLAIN, name: 'all detectors', pipeline: 'all-detectors.yaml', warmupSeconds: 8 }
