import { z } from 'zod'

/** Nothing to set. An empty body (`nop:`) is read as no settings. */
export const configSchema = z.strictObject({})

export type NopConfig = z.output<typeof configSchema>
