// The streams of one realm's line: their numbers, their ends, and the bytes that wait to leave on it. An end knows its
// other end; whatever arrives at one leaves at the other.

import {
  encodeCoreFrame,
  encodeStreamData,
  STREAM_WINDOW_BYTES,
  type StreamFrameOfCore,
} from '../../boundary/index.ts'
import { createFairWriter, type FairWriter } from '../../runtime/index.ts'
import type { Line } from '../realms/desk.ts'

/** A line that carries binary data too. */
export interface DataLine extends Line {
  /** `done` is called once the message left, or never will. */
  sendData(message: Uint8Array, done: () => void): void
}

/** One side of a stream, as seen from the core. */
export interface End {
  readonly place: StreamLine
  readonly id: number
  /** Bytes that this side may still send. */
  credit: number
  hasEnded: boolean
  /** Pieces that are to leave at this end, and have not. */
  waiting: number
}

export interface Stream {
  readonly opener: End
  readonly acceptor: End
  isAccepted: boolean
  /** Runs until the other realm accepts. */
  readonly waiting: NodeJS.Timeout
}

/** How much of one line's bulk data may be under way; sealed messages wait no longer than for that. */
const AHEAD_BYTES = 64 * 1024

export interface StreamLine {
  readonly domain: string
  readonly line: DataLine
  readonly streams: Map<number, Stream>
  readonly writer: FairWriter
  /** The highest id that the realm gave; the next one that the core gives. */
  lastOpened: number
  nextId: number
  /** The second in which the realm opened last, and how many in it. */
  openings: { readonly second: number; readonly count: number }
}

export const createStreamLine = (domain: string, line: DataLine): StreamLine => ({
  domain,
  line,
  streams: new Map(),
  writer: createFairWriter(AHEAD_BYTES),
  lastOpened: 0,
  nextId: 2,
  openings: { second: 0, count: 0 },
})

export const newEnd = (place: StreamLine, id: number): End => ({
  place,
  id,
  credit: STREAM_WINDOW_BYTES,
  hasEnded: false,
  waiting: 0,
})

export const say = ({ line }: StreamLine, frame: StreamFrameOfCore): void =>
  line.send(encodeCoreFrame(frame))

/** In turn with the line's other streams. */
export const sendPiece = (end: End, bytes: Uint8Array): void => {
  const { place, id } = end
  const message = encodeStreamData({ stream: id, bytes })
  end.waiting += 1
  place.writer.push(id, {
    bytes: bytes.length,
    send: (done) =>
      place.line.sendData(message, () => {
        end.waiting -= 1
        done()
      }),
  })
}

/** Behind the data that is still waiting for this end. */
export const sendEnd = ({ place, id }: End): void =>
  place.writer.push(id, {
    bytes: 0,
    send(done) {
      say(place, { type: 'stream-end', stream: id })
      done()
    },
  })
