// The relayed streams of the line that is up: opened by us or for us, told apart by number, gone when the line is.

import type { Duplex } from 'node:stream'
import type {
  StreamCode,
  StreamData,
  StreamFrameOfCore,
  StreamOpenedForFrame,
} from '../boundary/index.ts'
import { createFairWriter, type FairWriter } from '../runtime/index.ts'
import { PeerStream, type StreamVoice } from './peer-stream.ts'

/** A stream that the core opened for another realm; `from` is the core's claim. */
export interface IncomingStream {
  readonly from: string
  readonly stream: Duplex
}

export interface PeerStreamsOptions {
  readonly voice: StreamVoice & { isUp(): boolean }
  /** Absent: streams are refused. False: this one is. */
  readonly onStream?: ((incoming: IncomingStream) => boolean) | undefined
  /** Streams open at once, in both directions together. */
  readonly most: number
}

export interface PeerStreams {
  /** A stream to that realm, or why there is none. Always settles when the line ends. */
  open(domain: string): Promise<Duplex | StreamCode>
  take(frame: StreamFrameOfCore): void
  takeData(data: StreamData): void
  lineLost(): void
  readonly count: number
}

/** How much of our data may be under way on the line; sealed messages wait no longer than for that. */
const AHEAD_BYTES = 64 * 1024

interface Opening {
  readonly stream: PeerStream
  readonly settle: (outcome: Duplex | StreamCode) => void
}

export const createPeerStreams = ({ voice, onStream, most }: PeerStreamsOptions): PeerStreams => {
  const openings = new Map<number, Opening>()
  const streams = new Map<number, PeerStream>()
  let writer: FairWriter = createFairWriter(AHEAD_BYTES)
  let nextId = 1

  const create = (id: number): PeerStream => {
    const stream = new PeerStream({ id, voice, writer, onGone: () => streams.delete(id) })
    // Whoever uses it listens too; without a listener an error would end the process.
    stream.on('error', () => undefined)
    return stream
  }
  const incoming = ({ stream: id, from }: StreamOpenedForFrame): void => {
    const refuse = (code: StreamCode): void =>
      voice.say({ type: 'stream-refuse', stream: id, code })
    if (onStream === undefined) return refuse('closed')
    // Ids of the core's making are even: an odd one could be that of an opening of ours.
    if (id % 2 !== 0 || streams.has(id)) return refuse('protocol')
    if (streams.size + openings.size >= most) return refuse('too-many')
    const stream = create(id)
    if (!onStream({ from, stream })) {
      stream.lost('closed')
      return refuse('too-many')
    }
    streams.set(id, stream)
    voice.say({ type: 'stream-accept', stream: id })
  }
  const answered = (id: number, opening: Opening, frame: StreamFrameOfCore): void => {
    openings.delete(id)
    if (frame.type === 'stream-accept') {
      streams.set(id, opening.stream)
      return opening.settle(opening.stream)
    }
    const isNo = frame.type === 'stream-refuse' || frame.type === 'stream-abort'
    opening.stream.lost('closed')
    opening.settle(isNo ? frame.code : 'protocol')
  }
  return {
    open(domain) {
      if (!voice.isUp()) return Promise.resolve('line-lost')
      if (streams.size + openings.size >= most) return Promise.resolve('too-many')
      const id = nextId
      nextId += 2
      const { promise, resolve } = Promise.withResolvers<Duplex | StreamCode>()
      openings.set(id, { stream: create(id), settle: resolve })
      voice.say({ type: 'stream-open', stream: id, to: domain })
      return promise
    },
    take(frame) {
      if (frame.type === 'stream-opened-for') return incoming(frame)
      const opening = openings.get(frame.stream)
      if (opening !== undefined) return answered(frame.stream, opening, frame)
      streams.get(frame.stream)?.takeFrame(frame)
    },
    takeData: ({ stream, bytes }) => streams.get(stream)?.takeData(bytes),
    lineLost() {
      writer.stop()
      for (const { stream, settle } of openings.values()) {
        stream.lost('line-lost')
        settle('line-lost')
      }
      openings.clear()
      for (const stream of [...streams.values()]) stream.lost('line-lost')
      streams.clear()
      // A new line counts anew.
      writer = createFairWriter(AHEAD_BYTES)
      nextId = 1
    },
    get count() {
      return streams.size + openings.size
    },
  }
}
