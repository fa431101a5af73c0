import { afterEach } from '@jest/globals'

const undo: (() => unknown)[] = []

/** Runs after the current test, last come first served, whatever became of it. */
export function afterThisTest(action: () => unknown): void {
  undo.push(action)
}

afterEach(async () => {
  for (let action = undo.pop(); action !== undefined; action = undo.pop()) await action()
})
