import { spawnSync } from 'node:child_process'
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
