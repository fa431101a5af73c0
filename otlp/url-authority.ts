const SLASH = 0x2f
const AT = 0x40
const END = new Set([SLASH, 0x3f, 0x23])

/**
 * Narrows the bytes of an absolute URL to its host and port, without user and password; false where there is none. URLs
 * are told apart by what comes after it, so it is cut out of the bytes before anything is kept.
 */
export function narrowToAuthority(url: { readonly bytes: Uint8Array; start: number; end: number }): boolean {
  const { bytes, end } = url
  let at = url.start
  while (at + 1 < end && (bytes[at] !== SLASH || bytes[at + 1] !== SLASH)) at++
  url.start = at + 2
  for (at += 2; at < end && !END.has(bytes[at]!); at++) if (bytes[at] === AT) url.start = at + 1
  url.end = Math.min(at, end)
  return url.start < url.end
}
