export interface GrpcEndpoint {
  readonly host: string
  readonly port: number
  /** By the scheme; null where there is none and `tls.insecure` decides. */
  readonly secure: boolean | null
}

/**
 * The forms that the Collector takes: `host:port`, `[v6]:port`, `http://host:port`, `https://host:port`,
 * `dns:///host:port`, a trailing slash allowed. Null for anything else.
 */
export function parseGrpcEndpoint(text: string): GrpcEndpoint | null {
  const match = /^(?:(https?):\/\/|dns:\/\/\/?)?(?:\[([0-9a-fA-F:.%]+)\]|([^:[\]/\s@]+)):(\d{1,5})\/?$/.exec(text)
  if (match === null) return null
  const port = Number(match[4])
  if (port < 1 || port > 65_535) return null
  return { host: match[2] ?? match[3]!, port, secure: match[1] === undefined ? null : match[1] === 'https' }
}

/** `host:port` as it stands in a URL or in `:authority`. */
export function authorityOf(host: string, port: number): string {
  return host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`
}
