import { z } from 'zod'
import { durationMs } from '../../component/config-types.ts'

/** A key of the Collector's that asks for something the gateway does not do: refused, with the reason and a way out. */
export function unsupported(reason: string) {
  return z
    .unknown()
    .refine(() => false, { error: `not supported: ${reason}` })
    .optional()
    .describe(`Not supported: ${reason}.`)
}

/** A block that is always there: left out, or empty (`tls:`), it has its defaults. */
export function block<T extends z.ZodType>(schema: T) {
  return z.preprocess((value) => value ?? {}, schema).prefault({})
}

export const QUEUE_SIZERS = ['requests', 'items', 'bytes'] as const

export const sendingQueue = block(
  z.strictObject({
    enabled: z
      .boolean()
      .default(true)
      .describe('Whether batches wait in a queue. Without one, the stage before waits until a batch has been sent.'),
    num_consumers: z
      .int()
      .min(1)
      .default(10)
      .describe('Requests of one signal that are on their way at once, at most.'),
    queue_size: z
      .int()
      .min(1)
      .default(1000)
      .describe('How much of one signal is held at most, waiting and on its way, in the unit of sizer.'),
    sizer: z.enum(QUEUE_SIZERS).default('requests').describe('What queue_size counts: requests, items or bytes.'),
    block_on_overflow: z
      .boolean()
      .default(false)
      .describe('When the queue is full: true makes the stage before wait, false refuses, and the sender retries.'),
    wait_for_result: z
      .boolean()
      .default(false)
      .describe('Whether the stage before waits until a batch has been sent or given up, and learns which.'),
    storage: unsupported('the queue lives in memory; leave it out'),
    batch: unsupported('batches are not merged here; use the batch processor'),
  }),
).describe('The queue between the pipelines and the destination, one for each signal.')

export type SendingQueueConfig = z.output<typeof sendingQueue>

export const retryOnFailure = block(
  z
    .strictObject({
      enabled: z.boolean().default(true).describe('Whether a request that failed for now is sent again.'),
      initial_interval: durationMs('5s').describe('Wait before the second attempt.'),
      max_interval: durationMs('30s').describe('Longest wait between two attempts.'),
      multiplier: z.number().min(1).default(1.5).describe('How much longer each wait is than the one before.'),
      randomization_factor: z
        .number()
        .min(0)
        .max(1)
        .default(0.5)
        .describe(
          'Share by which each wait is made longer or shorter at random, so that senders do not march in step.',
        ),
      max_elapsed_time: durationMs('300s').describe(
        'A request is given up when it cannot be sent for so long; 0 is never.',
      ),
    })
    .refine((retry) => retry.max_interval >= retry.initial_interval, {
      error: 'shorter than initial_interval; write a longer max_interval',
      path: ['max_interval'],
    }),
).describe('What happens when a request fails in a way that may pass.')

export type RetryConfig = z.output<typeof retryOnFailure>

/** What an OTLP/gRPC receiver of the Collector takes unless it is told otherwise (max_recv_msg_size_mib). */
const MOST_RECEIVERS_TAKE_BYTES = 4 * 1024 * 1024

export const maxRequestBytes = z
  .int()
  .min(0)
  .default(MOST_RECEIVERS_TAKE_BYTES)
  .describe(
    'Most bytes of a request, as protobuf and before compression: a larger batch leaves as several. 4 MiB is what the OTLP/gRPC receiver of a Collector takes by default, and what it refuses as too large is lost. 0 is without limit.',
  )

export function timeout(defaultText: string) {
  return durationMs(defaultText).describe('How long one attempt may take; 0 is without limit.')
}
