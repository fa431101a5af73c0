import { z } from 'zod'

export const configSchema = z.strictObject({})

export type NopConfig = z.output<typeof configSchema>
