import { beforeAll, describe, it } from '@jest/globals'
import { build, FLEET_BINARY, goVersion, HOW_TO_INSTALL } from '../../examples/fleet/go.ts'

/** The first build fetches the modules and compiles them all. */
const BUILD_MS = 600_000

/** SMOKE=1, as .ci/run has it, leaves out all but the runs that every change has to pass. */
export const isSmoke = process.env.SMOKE === '1'

/** A suite that runs the fleet; on a machine without Go it is skipped, and says so. */
export function describeFleet(name: string, body: () => void): void {
  if (goVersion() === undefined) {
    const reason = `needs Go for the fleet's services, and there is none: ${HOW_TO_INSTALL}`
    // Of suites that are skipped as a whole jest shows no names.
    process.stderr.write(`skipped: ${name} ${reason}\n`)
    describe(name, () => it.skip(reason, () => {}))
    return
  }
  describe(name, () => {
    beforeAll(() => {
      if (!build()) throw new Error(`${FLEET_BINARY} could not be built; what Go said stands above`)
    }, BUILD_MS)
    body()
  })
}
