import { totalmem } from 'node:os'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'

/** The memory of the process, as the limiter looks at it; tests put in their own. */
export interface ProcessMemory {
  /** What the heap and the buffers beside it take now, garbage included. */
  usedBytes(): number
  /** What the process could have: the container's limit, or the host's memory. */
  totalBytes(): number
  /** Collects garbage at once; takes as long as the heap is large. */
  collect(): void
}

let gc: (() => void) | null = null

export const PROCESS_MEMORY: ProcessMemory = {
  usedBytes() {
    const { heapUsed, external } = process.memoryUsage()
    return heapUsed + external
  },
  totalBytes() {
    const constrained = process.constrainedMemory()
    return constrained > 0 ? Math.min(constrained, totalmem()) : totalmem()
  },
  collect() {
    if (gc === null) {
      // The function that node --expose-gc has, without asking the operator to start node with it.
      setFlagsFromString('--expose-gc')
      gc = runInNewContext('gc') as () => void
    }
    gc()
  },
}
