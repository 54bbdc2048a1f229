// Carries byte streams between two realms, unread: opening, pacing, ending. A realm that sends more than it was given
// credit for loses the stream; a line that drops takes all its streams with it. Memory is bounded by the windows.

import {
  STREAM_ID_MAX,
  STREAM_PIECES_WAITING,
  STREAM_WINDOW_BYTES,
  type StreamCode,
  type StreamData,
  type StreamFrame,
  type StreamFrameOfRealm,
  type StreamOpenFrame,
} from '../../boundary/index.ts'
import type { Instant } from '../../time.ts'
import {
  createStreamLine,
  type DataLine,
  type End,
  newEnd,
  type Stream,
  type StreamLine,
  say,
  sendEnd,
  sendPiece,
} from './line.ts'

export interface StreamRules {
  /** Whether the core's settings name this realm. */
  readonly isRealm: (domain: string) => boolean
  /** Streams that one realm may have opened. */
  readonly perRealm: number
  /** Streams that one realm may have opened to one other. */
  readonly perPair: number
  /** Openings of one realm: each costs the other realm two frames, whatever becomes of it. */
  readonly opensPerSecond: number
  readonly acceptWithinMs: number
  readonly now: () => Instant
  readonly onCount: (open: number) => void
}

export interface StreamRelay {
  lineUp(domain: string, line: DataLine): void
  lineDown(domain: string, line: DataLine): void
  /** False for a frame that no realm of good faith sends: its line should end. */
  take(domain: string, frame: StreamFrameOfRealm, line: DataLine): boolean
  takeData(domain: string, data: StreamData, line: DataLine): void
  readonly open: number
}

interface Found {
  readonly stream: Stream
  /** The end of whoever said something, and the other one. */
  readonly own: End
  readonly other: End
}

const find = (place: StreamLine, id: number): Found | undefined => {
  const stream = place.streams.get(id)
  if (stream === undefined) return undefined
  const { opener, acceptor } = stream
  const isOpener = opener.place === place && opener.id === id
  return isOpener
    ? { stream, own: opener, other: acceptor }
    : { stream, own: acceptor, other: opener }
}

export const openStreamRelay = (rules: StreamRules): StreamRelay => {
  const lines = new Map<string, StreamLine>()
  let open = 0
  const count = (change: 1 | -1): void => {
    open += change
    rules.onCount(open)
  }
  const close = ({ opener, acceptor, waiting }: Stream): void => {
    clearTimeout(waiting)
    if (!opener.place.streams.delete(opener.id)) return
    acceptor.place.streams.delete(acceptor.id)
    count(-1)
  }
  /** Tells whichever ends are given, and drops what still waits for them. */
  const abort = (stream: Stream, code: StreamCode, told: readonly End[]): void => {
    close(stream)
    for (const { place, id } of [stream.opener, stream.acceptor]) place.writer.drop(id)
    for (const { place, id } of told) say(place, { type: 'stream-abort', stream: id, code })
  }
  const opening = createOpening({ rules, lines, count, close })
  const placeOf = (domain: string, line: DataLine): StreamLine | undefined => {
    const place = lines.get(domain)
    return place?.line === line ? place : undefined
  }
  const lineDown = (domain: string, line: DataLine): void => {
    const place = placeOf(domain, line)
    if (place === undefined) return
    lines.delete(domain)
    place.writer.stop()
    for (const id of [...place.streams.keys()]) {
      const found = find(place, id)
      if (found !== undefined) abort(found.stream, 'line-lost', [found.other])
    }
  }
  return {
    lineUp(domain, line) {
      const old = lines.get(domain)
      if (old !== undefined) lineDown(domain, old.line)
      lines.set(domain, createStreamLine(domain, line))
    },
    lineDown,
    take(domain, frame, line) {
      const place = placeOf(domain, line)
      // A line that was replaced has nothing to say any more.
      if (place === undefined) return true
      if (frame.type === 'stream-open') return opening(place, frame)
      const found = find(place, frame.stream)
      // It may just have ended from the other side.
      if (found !== undefined) pass(found, frame, { close, abort })
      return true
    },
    takeData(domain, { stream: id, bytes }, line) {
      const place = placeOf(domain, line)
      const found = place && find(place, id)
      if (found === undefined) return
      const { stream, own, other } = found
      const isMany = other.waiting >= STREAM_PIECES_WAITING
      const isFit = stream.isAccepted && !own.hasEnded && bytes.length <= own.credit && !isMany
      if (!isFit) return abort(stream, 'protocol', [own, other])
      own.credit -= bytes.length
      sendPiece(other, bytes)
    },
    get open() {
      return open
    },
  }
}

interface Opening {
  readonly rules: StreamRules
  readonly lines: ReadonlyMap<string, StreamLine>
  readonly count: (change: 1 | -1) => void
  readonly close: (stream: Stream) => void
}

const isTooSoon = (place: StreamLine, { now, opensPerSecond }: StreamRules): boolean => {
  const second = Math.floor(now() / 1000)
  const count = place.openings.second === second ? place.openings.count + 1 : 1
  place.openings = { second, count }
  return count > opensPerSecond
}

const createOpening = ({ rules, lines, count, close }: Opening) => {
  const whyNot = (place: StreamLine, to: string): StreamCode | undefined => {
    if (to === place.domain || !rules.isRealm(to)) return 'unknown-domain'
    const own = [...place.streams.values()].filter(({ opener }) => opener.place === place)
    const toPeer = own.filter(({ acceptor }) => acceptor.place.domain === to)
    const isFull = own.length >= rules.perRealm || toPeer.length >= rules.perPair
    return isFull ? 'too-many' : undefined
  }
  return (place: StreamLine, { stream: id, to }: StreamOpenFrame): boolean => {
    if (id <= place.lastOpened) return false
    place.lastOpened = id
    const peer = lines.get(to)
    const isHasty = isTooSoon(place, rules)
    const no =
      (isHasty ? 'too-many' : whyNot(place, to)) ??
      (peer === undefined ? 'not-connected' : undefined)
    if (no !== undefined || peer === undefined || peer.nextId > STREAM_ID_MAX) {
      say(place, { type: 'stream-refuse', stream: id, code: no ?? 'too-many' })
      return true
    }
    const opener = newEnd(place, id)
    const acceptor = newEnd(peer, peer.nextId)
    peer.nextId += 2
    const unanswered = (): void => {
      close(stream)
      say(place, { type: 'stream-refuse', stream: id, code: 'not-accepted' })
      say(peer, { type: 'stream-abort', stream: acceptor.id, code: 'not-accepted' })
    }
    const waiting = setTimeout(unanswered, rules.acceptWithinMs)
    waiting.unref()
    const stream: Stream = { opener, acceptor, isAccepted: false, waiting }
    place.streams.set(id, stream)
    peer.streams.set(acceptor.id, stream)
    count(1)
    say(peer, { type: 'stream-opened-for', stream: acceptor.id, from: place.domain })
    return true
  }
}

interface Ending {
  readonly close: (stream: Stream) => void
  readonly abort: (stream: Stream, code: StreamCode, told: readonly End[]) => void
}

/** A frame about a stream that is there: what it changes, and what the other end is told. */
const pass = (found: Found, frame: StreamFrame, { close, abort }: Ending): void => {
  const { stream, own, other } = found
  const isAnswer = own === stream.acceptor && !stream.isAccepted
  switch (frame.type) {
    case 'stream-accept':
      if (!isAnswer) return abort(stream, 'protocol', [own, other])
      stream.isAccepted = true
      clearTimeout(stream.waiting)
      return say(other.place, { type: 'stream-accept', stream: other.id })
    case 'stream-refuse':
      if (!isAnswer) return abort(stream, 'protocol', [own, other])
      close(stream)
      return say(other.place, { type: 'stream-refuse', stream: other.id, code: frame.code })
    case 'stream-credit':
      other.credit += frame.bytes
      if (!stream.isAccepted || other.credit > STREAM_WINDOW_BYTES) {
        return abort(stream, 'protocol', [own, other])
      }
      return say(other.place, { type: 'stream-credit', stream: other.id, bytes: frame.bytes })
    case 'stream-end':
      if (!stream.isAccepted || own.hasEnded) return abort(stream, 'protocol', [own, other])
      own.hasEnded = true
      sendEnd(other)
      return other.hasEnded ? close(stream) : undefined
    case 'stream-abort':
      return abort(stream, frame.code, [other])
  }
}
