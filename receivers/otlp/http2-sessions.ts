import type { ServerHttp2Session, ServerOptions } from 'node:http2'

/** A stream may have this much under way before we must give it more room: many requests of 512 spans fit. */
const STREAM_WINDOW_BYTES = 4 * 1024 * 1024
/** The same for a connection and all its streams. */
const SESSION_WINDOW_BYTES = 16 * 1024 * 1024
/** Node's own bound, in MiB, on what a session holds in its C++ half; its default of 10 refuses streams under load. */
const SESSION_MEMORY_MIB = 128
/** The protocol's own bound on concurrent streams. */
const NO_STREAM_LIMIT = 0xffff_ffff
/** A peer that sends more frames that make no sense than this is cut off. */
const MAX_INVALID_FRAMES = 100

/** How both protocols' servers speak HTTP/2; 0 streams is no limit. */
export function http2Options(maxConcurrentStreams: number): ServerOptions {
  return {
    settings: {
      enablePush: false,
      initialWindowSize: STREAM_WINDOW_BYTES,
      maxFrameSize: 1024 * 1024,
      maxConcurrentStreams: maxConcurrentStreams || NO_STREAM_LIMIT,
    },
    maxSessionMemory: SESSION_MEMORY_MIB,
    maxSessionInvalidFrames: MAX_INVALID_FRAMES,
  }
}

/** The HTTP/2 connections of one server. */
export class Http2Sessions {
  readonly #open = new Set<ServerHttp2Session>()

  add(session: ServerHttp2Session): void {
    this.#open.add(session)
    session.setLocalWindowSize(SESSION_WINDOW_BYTES)
    session.on('close', () => this.#open.delete(session))
    // A peer that breaks HTTP/2 loses its connection and nothing else happens: node closes the session itself.
    session.on('error', ignore)
  }

  /** GOAWAY: no new streams; a connection ends with its last one. */
  close(): void {
    for (const session of this.#open) session.close()
  }
}

function ignore(): void {}
