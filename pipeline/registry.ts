import type { AnyFactory } from '../component/component.ts'
import { factory as debugExporter } from '../exporters/debug/debug.ts'
import { factory as fileExporter } from '../exporters/file/file.ts'
import { factory as nopExporter } from '../exporters/nop/nop.ts'
import { factory as otlpGrpcExporter } from '../exporters/otlp-grpc/otlp-grpc.ts'
import { factory as otlpHttpExporter } from '../exporters/otlp-http/otlp-http.ts'
import { factory as findingsReceiver } from '../receivers/findings/findings-receiver.ts'
import { factory as otlpReceiver } from '../receivers/otlp/otlp-receiver.ts'
import { PROCESSORS } from './processors.ts'

/** Every component that a configuration may name. To add one: import its factory, and a line here, or in processors.ts. */
export const FACTORIES: readonly AnyFactory[] = [
  // Receivers
  otlpReceiver,
  findingsReceiver,
  // Processors
  ...PROCESSORS,
  // Exporters
  otlpGrpcExporter,
  otlpHttpExporter,
  fileExporter,
  debugExporter,
  nopExporter,
  // Extensions
]
