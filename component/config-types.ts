import { z } from 'zod'

const UNITS_MS: Readonly<Record<string, number>> = {
  ns: 1e-6,
  us: 1e-3,
  µs: 1e-3,
  ms: 1,
  s: 1000,
  m: 60_000,
  h: 3_600_000,
}

/** A Go duration (`1s`, `1m30s`, `200ms`, `0`) in milliseconds, or null where the text is none. */
export function parseDurationMs(text: string): number | null {
  if (text === '0') return 0
  const parts = [...text.matchAll(/(\d+(?:\.\d+)?)(ns|us|µs|ms|s|m|h)/gy)]
  if (parts.length === 0 || parts.map((part) => part[0]).join('') !== text) return null
  return parts.reduce((sum, [, amount, unit]) => sum + Number(amount) * UNITS_MS[unit!]!, 0)
}

const NO_DURATION = 'not a duration; write a number with a unit such as 500ms, 1s or 1m30s'

/**
 * A duration as the Collector writes it (also a bare 0); parsed to milliseconds. One that is none aborts, so that no rule
 * of the block around it compares it with others.
 */
export function durationMs(defaultText: string) {
  return z
    .union([z.string(), z.literal(0)], { error: NO_DURATION })
    .refine((written) => parseDurationMs(String(written)) !== null, { error: NO_DURATION, abort: true })
    .transform((written) => parseDurationMs(String(written))!)
    .prefault(defaultText)
}

/** A string that must never be printed: print-config and error messages mask it. */
export function secretString() {
  return z.string().meta({ secret: true })
}
