import type { AnyFactory } from '../component/component.ts'
import { factory as otlpReceiver } from '../receivers/otlp/otlp-receiver.ts'

/** Every component that a configuration may name. To add one: import its factory, and a line here. */
export const FACTORIES: readonly AnyFactory[] = [
  // Receivers
  otlpReceiver,
  // Processors
  // Exporters
  // Extensions
]
