/** Ids in words as lowercase hex, eight digits a word. */
export function hexOf(words: Uint32Array, at: number, count: number): string {
  let hex = ''
  for (let i = 0; i < count; i++) hex += words[at + i]!.toString(16).padStart(8, '0')
  return hex
}
