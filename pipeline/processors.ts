import type { AnyProcessorFactory } from '../component/component.ts'
import { factory as batch } from '../processors/batch/batch.ts'
import { factory as contextPropagation } from '../processors/context-propagation/context-propagation.ts'
import { factory as goRuntime } from '../processors/go-runtime/go-runtime.ts'
import { factory as memoryLimiter } from '../processors/memory-limiter/memory-limiter.ts'
import { factory as spanLifetime } from '../processors/span-lifetime/span-lifetime.ts'
import { factory as traceWindow } from '../processors/trace-window/trace-window.ts'

/** Every processor. They stand apart from the other components, because a replay needs them and no sockets. */
export const PROCESSORS: readonly AnyProcessorFactory[] = [
  memoryLimiter,
  batch,
  traceWindow,
  contextPropagation,
  spanLifetime,
  goRuntime,
]
