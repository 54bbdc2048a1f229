// One relayed stream as a Duplex of Node: writes wait for the other side's credit, reads give credit back. What runs over
// it (TLS) need not know that a core lies between. It trusts the core with nothing: more data than was allowed ends it.

import { Duplex } from 'node:stream'
import {
  encodeStreamData,
  STREAM_PIECE_BYTES,
  STREAM_PIECES_WAITING,
  STREAM_WINDOW_BYTES,
  type StreamCode,
  type StreamFrame,
  type StreamFrameOfRealm,
} from '../boundary/index.ts'
import type { FairWriter } from '../runtime/index.ts'

export interface StreamVoice {
  say(frame: StreamFrameOfRealm): void
  sendData(message: Uint8Array, done: () => void): void
}

export interface PeerStreamOptions {
  readonly id: number
  readonly voice: StreamVoice
  /** Of the line: streams take turns. */
  readonly writer: FairWriter
  /** Called once, when nothing more will come of it. */
  readonly onGone: () => void
}

/** Credit goes back in pieces of this size, so that it costs few frames. */
const CREDIT_STEP_BYTES = STREAM_WINDOW_BYTES / 4

/** The other side, the core or the line ended the stream; `code` says how. */
class StreamEnded extends Error {
  override readonly name = 'StreamEnded'
  readonly code: StreamCode

  constructor(code: StreamCode) {
    super(code)
    this.code = code
  }
}

export class PeerStream extends Duplex {
  readonly #options: PeerStreamOptions
  /** What we may still send, and what the other side may. */
  #credit = STREAM_WINDOW_BYTES
  #allowance = STREAM_WINDOW_BYTES
  #taken = 0
  readonly #inbox: Uint8Array[] = []
  #hasEnded = false
  #hasFinished = false
  #isOver = false
  #unsent: { bytes: Uint8Array; readonly onSent: () => void } | undefined

  constructor(options: PeerStreamOptions) {
    super({ allowHalfOpen: true, highWaterMark: STREAM_PIECE_BYTES })
    this.#options = options
  }

  override _write(chunk: Buffer, _encoding: BufferEncoding, onSent: () => void): void {
    this.#unsent = { bytes: chunk, onSent }
    this.#send()
  }

  override _final(onDone: () => void): void {
    const { id, voice, writer } = this.#options
    this.#hasFinished = true
    // Behind the data that is still waiting.
    writer.push(id, {
      bytes: 0,
      send(done) {
        voice.say({ type: 'stream-end', stream: id })
        done()
      },
    })
    onDone()
  }

  override _read(): void {
    for (;;) {
      const bytes = this.#inbox.shift()
      if (bytes === undefined) break
      this.#take(bytes.length)
      if (!this.push(bytes)) return
    }
    if (this.#hasEnded) this.push(null)
  }

  override _destroy(error: Error | null, onDone: (error: Error | null) => void): void {
    const { id, voice, writer, onGone } = this.#options
    const isWhole = this.#hasEnded && this.#hasFinished
    this.#inbox.length = 0
    if (!this.#isOver && !isWhole) {
      writer.drop(id)
      voice.say({ type: 'stream-abort', stream: id, code: 'closed' })
    }
    this.#isOver = true
    onGone()
    onDone(error)
  }

  /** A piece arrived. */
  takeData(bytes: Uint8Array): void {
    if (this.#isOver) return
    const isTooMuch = bytes.length > this.#allowance || this.#inbox.length >= STREAM_PIECES_WAITING
    if (this.#hasEnded || isTooMuch) return this.#fail('protocol')
    this.#allowance -= bytes.length
    this.#inbox.push(bytes)
    if (this.readableLength < this.readableHighWaterMark) this._read()
  }

  /** A frame about this stream arrived, once it was accepted. */
  takeFrame(frame: StreamFrame): void {
    switch (frame.type) {
      case 'stream-credit':
        this.#credit += frame.bytes
        if (this.#credit > STREAM_WINDOW_BYTES) return this.#fail('protocol')
        return this.#send()
      case 'stream-end':
        this.#hasEnded = true
        if (this.#inbox.length === 0) this.push(null)
        return
      case 'stream-abort':
        return this.lost(frame.code)
      default:
        return this.#fail('protocol')
    }
  }

  /** It is gone on the other side or with the line: there is nobody to tell. */
  lost(code: StreamCode): void {
    this.#isOver = true
    this.#options.writer.drop(this.#options.id)
    this.destroy(new StreamEnded(code))
  }

  #fail(code: StreamCode): void {
    this.#options.voice.say({ type: 'stream-abort', stream: this.#options.id, code })
    this.lost(code)
  }

  #send(): void {
    const { id, voice, writer } = this.#options
    while (this.#unsent !== undefined && this.#credit > 0) {
      const { bytes, onSent } = this.#unsent
      const size = Math.min(bytes.length, this.#credit, STREAM_PIECE_BYTES)
      if (size > 0) {
        this.#credit -= size
        const message = encodeStreamData({ stream: id, bytes: bytes.subarray(0, size) })
        writer.push(id, { bytes: size, send: (done) => voice.sendData(message, done) })
      }
      this.#unsent = size < bytes.length ? { bytes: bytes.subarray(size), onSent } : undefined
      if (this.#unsent === undefined) onSent()
    }
  }

  #take(bytes: number): void {
    this.#taken += bytes
    if (this.#taken < CREDIT_STEP_BYTES || this.#hasEnded) return
    const { id, voice } = this.#options
    voice.say({ type: 'stream-credit', stream: id, bytes: this.#taken })
    this.#allowance += this.#taken
    this.#taken = 0
  }
}
