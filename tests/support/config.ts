import type { GatewayConfig } from '../../pipeline/config/gateway-config.ts'
import { loadConfig } from '../../pipeline/config/load.ts'
import { ConfigError, formatProblem } from '../../pipeline/config/problems.ts'
import { FACTORIES } from '../../pipeline/registry.ts'

type Env = Readonly<Record<string, string | undefined>>

/** Loads configurations that a test writes down; several are merged as several `--config` are. */
export function configOf(
  texts: string | readonly string[],
  env: Env = {},
  sets: readonly string[] = [],
): GatewayConfig {
  const list = typeof texts === 'string' ? [texts] : texts
  // Through the environment, so that a test needs no files; the names stand in messages as the file's name would.
  const sources = Object.fromEntries(list.map((text, i) => [`FILE${i + 1}`, text]))
  const uris = Object.keys(sources).map((name) => `env:${name}`)
  return loadConfig({ uris, sets, factories: FACTORIES, env: { ...env, ...sources } })
}

/** What is wrong with a configuration, a line each; empty where nothing is. The only file's name is left out. */
export function problemsOf(texts: string | readonly string[], env: Env = {}, sets: readonly string[] = []): string[] {
  try {
    configOf(texts, env, sets)
    return []
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error
    return error.problems.map((problem) => formatProblem(problem).replace(/^env:FILE1:/, ''))
  }
}
