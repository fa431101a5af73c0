import { writeSync } from 'node:fs'

// Loaded into a process before its program (`--import`): says on file descriptor 3 what it has used when it ends.

/** CPU of all threads, user and kernel, and the most memory that was resident. */
export interface ProcessUsage {
  readonly cpuSeconds: number
  readonly peakMemoryMb: number
}

process.on('exit', () => {
  const { userCPUTime, systemCPUTime, maxRSS } = process.resourceUsage()
  const usage: ProcessUsage = { cpuSeconds: (userCPUTime + systemCPUTime) / 1e6, peakMemoryMb: (maxRSS * 1024) / 1e6 }
  writeSync(3, JSON.stringify(usage))
})
