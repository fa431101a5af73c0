import type { Socket } from 'node:net'

/** What a connection turned out to speak; `gone` when it ended before it said anything. */
export type FirstBytes = 'http1' | 'http2' | 'gone'

/** HTTP/2 with prior knowledge begins with `PRI * HTTP/2.0`; no HTTP/1 method begins so. RFC 9113, section 3.4. */
const PREFACE_START = Buffer.from('PRI')

/**
 * Waits for the first bytes of a connection, puts them back and says whose they are. A connection that says nothing for
 * `timeoutMs` is closed; 0 waits forever.
 */
export function sniffProtocol(socket: Socket, timeoutMs: number, decided: (protocol: FirstBytes) => void): void {
  let seen: Buffer = Buffer.alloc(0)

  const onData = (chunk: Buffer) => {
    seen = seen.length === 0 ? chunk : Buffer.concat([seen, chunk])
    const isPreface = PREFACE_START.subarray(0, seen.length).equals(seen.subarray(0, PREFACE_START.length))
    if (isPreface && seen.length < PREFACE_START.length) return
    finish()
    // Paused while the bytes go back. http1 wants them to flow; http2 takes them out of the buffer itself, in the next
    // tick, and needs the flow from then on to learn of the end.
    socket.pause()
    socket.unshift(seen)
    decided(isPreface ? 'http2' : 'http1')
    process.nextTick(() => socket.resume())
  }
  const onGone = () => {
    finish()
    socket.destroy()
    decided('gone')
  }
  const finish = () => {
    socket.setTimeout(0)
    socket.off('data', onData).off('end', onGone).off('error', onGone).off('close', onGone).off('timeout', onGone)
  }

  socket.setTimeout(timeoutMs)
  socket.on('data', onData).on('end', onGone).on('error', onGone).on('close', onGone).on('timeout', onGone)
}
