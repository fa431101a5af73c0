import { readFileSync } from 'node:fs'

/** What Linux counts in /proc/<pid>/stat: a hundredth of a second, on every platform that Node runs on. */
const TICKS_PER_SECOND = 100
/** Of the fields after the command in parentheses, which may hold blanks itself. */
const UTIME_FIELD = 11
const STIME_FIELD = 12

/** CPU that a process has used with all its threads, in user and kernel. */
export function cpuSeconds(pid: number): number {
  const stat = readFileSync(`/proc/${pid}/stat`, 'utf8')
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
  return (Number(fields[UTIME_FIELD]) + Number(fields[STIME_FIELD])) / TICKS_PER_SECOND
}

/** The most memory that a process has had resident, in MB. */
export function peakMemoryMb(pid: number): number {
  const status = readFileSync(`/proc/${pid}/status`, 'utf8')
  return (Number(/^VmHWM:\s+(\d+) kB$/m.exec(status)![1]) * 1024) / 1e6
}
