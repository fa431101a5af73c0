import { describe, expect, it } from '@jest/globals'
import { ProgressBar } from '../../cli/progress-bar.ts'

/** A bar over 200 bytes; what it wrote after so many bytes at such a time. */
function barOn(isTTY: boolean) {
  let nowMs = 5000
  let written = ''
  const stderr = { isTTY, write: (text: string) => (written += text) }
  const bar = new ProgressBar({ stderr }, 200, () => nowMs)
  const taken = () => {
    const text = written
    written = ''
    return text
  }
  return {
    show(done: number, afterMs: number) {
      nowMs = 5000 + afterMs
      bar.show(done)
      return taken()
    },
    clear() {
      bar.clear()
      return taken()
    },
  }
}

describe('the progress bar', () => {
  it('shows on a terminal how far a long run has come, and leaves nothing behind', () => {
    const { show, clear } = barOn(true)
    expect(show(50, 1500)).toBe(`\r${'█'.repeat(8)}${'░'.repeat(22)}  25 %`)
    expect(show(200, 1700)).toBe(`\r${'█'.repeat(30)} 100 %`)
    expect(clear()).toBe('\r\u001b[2K')
  })

  it('spares short runs, and is not drawn for each step', () => {
    const { show, clear } = barOn(true)
    expect(show(100, 900)).toBe('')
    expect(show(110, 1000)).not.toBe('')
    expect(show(120, 1050)).toBe('')
    expect(show(130, 1101)).not.toBe('')
    expect(clear()).not.toBe('')
    expect(clear()).toBe('')
  })

  it('shows nothing where nobody watches, as in CI', () => {
    const { show, clear } = barOn(false)
    expect([show(100, 5000), clear()]).toEqual(['', ''])
  })
})
