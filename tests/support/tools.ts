import { spawnSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { describe, it } from '@jest/globals'

/** A suite that needs a program; where it is not installed the suite is skipped, and its name says so. */
export function describeWithTool(
  command: string,
  versionArgs: readonly string[],
  name: string,
  body: () => void,
): void {
  if (spawnSync(command, versionArgs, { stdio: 'ignore' }).status === 0) describe(name, body)
  else describe(name, () => it.skip(`needs ${command}, which is not installed`, () => {}))
}

/** A suite that needs a file, such as a program that was built for it; null where it could not be had for want of `needs`. */
export function describeWithFile(path: string | null, name: string, needs: string, body: (path: string) => void): void {
  if (path !== null) describe(name, () => body(path))
  else describe(name, () => it.skip(`needs ${needs}`, () => {}))
}

/** A suite that looks at a process from outside, which only Linux lets one do without a tool. */
export function describeWithProc(name: string, body: () => void): void {
  if (existsSync('/proc/self/status')) describe(name, body)
  else describe(name, () => it.skip('needs /proc, which only Linux has', () => {}))
}
