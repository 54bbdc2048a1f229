// Raw JSON to the frames of relayed streams. Total and strict, like all parsers of this room.

import { type Refusal, refuse } from '../refusal.ts'
import { isDomain, isIntegerWithin, isObjectOf } from './shape.ts'
import {
  isStreamId,
  STREAM_CODES,
  STREAM_WINDOW_BYTES,
  type StreamCode,
  type StreamFrame,
  type StreamOpenedForFrame,
  type StreamOpenFrame,
} from './streams.ts'

const OPEN = new Set(['type', 'stream', 'to'])
const OPENED_FOR = new Set(['type', 'stream', 'from'])
const PLAIN = new Set(['type', 'stream'])
const CODED = new Set(['type', 'stream', 'code'])
const CREDIT = new Set(['type', 'stream', 'bytes'])

const malformed = (about: string): Refusal => refuse('boundary.malformed-frame', about)

const isCode = (raw: unknown): raw is StreamCode => STREAM_CODES.some((code) => code === raw)

export const parseStreamOpen = (raw: unknown): StreamOpenFrame | Refusal => {
  if (!isObjectOf(raw, OPEN)) return malformed('stream-open')
  const { stream, to } = raw
  if (!isStreamId(stream) || stream % 2 === 0) return malformed('stream')
  return isDomain(to) ? { type: 'stream-open', stream, to } : malformed('to')
}

export const parseStreamOpenedFor = (raw: unknown): StreamOpenedForFrame | Refusal => {
  if (!isObjectOf(raw, OPENED_FOR)) return malformed('stream-opened-for')
  const { stream, from } = raw
  if (!isStreamId(stream) || stream % 2 !== 0) return malformed('stream')
  return isDomain(from) ? { type: 'stream-opened-for', stream, from } : malformed('from')
}

/** Frames that either side may send. */
export const parseStreamFrame = (
  type: StreamFrame['type'],
  raw: unknown,
): StreamFrame | Refusal => {
  switch (type) {
    case 'stream-accept':
    case 'stream-end':
      return isObjectOf(raw, PLAIN) && isStreamId(raw['stream'])
        ? { type, stream: raw['stream'] }
        : malformed(type)
    case 'stream-refuse':
    case 'stream-abort':
      return isObjectOf(raw, CODED) && isStreamId(raw['stream']) && isCode(raw['code'])
        ? { type, stream: raw['stream'], code: raw['code'] }
        : malformed(type)
    case 'stream-credit':
      return isObjectOf(raw, CREDIT) &&
        isStreamId(raw['stream']) &&
        isIntegerWithin(raw['bytes'], 1, STREAM_WINDOW_BYTES)
        ? { type, stream: raw['stream'], bytes: raw['bytes'] }
        : malformed(type)
  }
}
