/** The known word nearest to what was written, or null where none is near enough to be what was meant. */
export function nearest(written: string, known: Iterable<string>): string | null {
  let best: string | null = null
  // A typo is a letter or two; in a short word two letters already make another word.
  let bestDistance = Math.min(3, Math.floor(written.length / 2)) + 1
  for (const word of known) {
    const distance = editDistance(written.toLowerCase(), word.toLowerCase())
    if (distance < bestDistance) {
      best = word
      bestDistance = distance
    }
  }
  return best
}

/** `; did you mean "x"?`, or nothing. */
export function didYouMean(written: string, known: Iterable<string>): string {
  const word = nearest(written, known)
  return word === null ? '' : `; did you mean "${word}"?`
}

/** Levenshtein's distance with one row of the table; a swap of neighbours counts as two. */
function editDistance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, j) => j)
  for (let i = 1; i <= a.length; i++) {
    const next = [i]
    for (let j = 1; j <= b.length; j++) {
      next[j] = Math.min(next[j - 1]! + 1, row[j]! + 1, row[j - 1]! + (a[i - 1] === b[j - 1] ? 0 : 1))
    }
    row = next
  }
  return row[b.length]!
}
