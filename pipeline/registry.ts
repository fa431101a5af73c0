import type { AnyFactory } from '../component/component.ts'
import { factory as debugExporter } from '../exporters/debug/debug.ts'
import { factory as fileExporter } from '../exporters/file/file.ts'
import { factory as nopExporter } from '../exporters/nop/nop.ts'
import { factory as otlpGrpcExporter } from '../exporters/otlp-grpc/otlp-grpc.ts'
import { factory as otlpHttpExporter } from '../exporters/otlp-http/otlp-http.ts'
import { factory as batch } from '../processors/batch/batch.ts'
import { factory as contextPropagation } from '../processors/context-propagation/context-propagation.ts'
import { factory as goRuntime } from '../processors/go-runtime/go-runtime.ts'
import { factory as memoryLimiter } from '../processors/memory-limiter/memory-limiter.ts'
import { factory as spanLifetime } from '../processors/span-lifetime/span-lifetime.ts'
import { factory as traceWindow } from '../processors/trace-window/trace-window.ts'
import { factory as findingsReceiver } from '../receivers/findings/findings-receiver.ts'
import { factory as otlpReceiver } from '../receivers/otlp/otlp-receiver.ts'

/** Every component that a configuration may name. To add one: import its factory, and a line here. */
export const FACTORIES: readonly AnyFactory[] = [
  // Receivers
  otlpReceiver,
  findingsReceiver,
  // Processors
  memoryLimiter,
  batch,
  traceWindow,
  contextPropagation,
  spanLifetime,
  goRuntime,
  // Exporters
  otlpGrpcExporter,
  otlpHttpExporter,
  fileExporter,
  debugExporter,
  nopExporter,
  // Extensions
]
