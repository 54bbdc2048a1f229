// Relayed byte streams between two realms: frames that open, close and pace them are JSON like all others; data is
// binary, one WebSocket message a piece. What is inside is TLS between the realms, which the core cannot read.

/** Bytes that a side may have sent on one stream, in one direction, and that the other has not taken yet. */
export const STREAM_WINDOW_BYTES = 256 * 1024
/** At most so many bytes of payload in one message of data. */
export const STREAM_PIECE_BYTES = 32 * 1024
/**
 * At most so many messages of data of one stream wait at one place. A window that is used byte by byte would cost hundreds of times
 * its size in memory; whoever fills it with pieces of 64 bytes or more never meets this bound.
 */
export const STREAM_PIECES_WAITING = 4096
/** Ids are 31 bits, so that no side has to think about signs. */
export const STREAM_ID_MAX = 0x7fff_ffff

/** Why a stream was not opened, or ended before its end. */
export const STREAM_CODES = [
  'unknown-domain',
  'not-connected',
  'too-many',
  'not-accepted',
  'line-lost',
  'protocol',
  'closed',
] as const
export type StreamCode = (typeof STREAM_CODES)[number]

/** Realm → core. Ids that a realm gives are odd, and each is greater than the one before. */
export interface StreamOpenFrame {
  readonly type: 'stream-open'
  readonly stream: number
  readonly to: string
}

/** Core → realm. Ids that the core gives are even. `from` is the core's claim; TLS inside proves it or not. */
export interface StreamOpenedForFrame {
  readonly type: 'stream-opened-for'
  readonly stream: number
  readonly from: string
}

/** Both ways: from here on data may flow, a window's worth in each direction. */
export interface StreamAcceptFrame {
  readonly type: 'stream-accept'
  readonly stream: number
}

export interface StreamRefuseFrame {
  readonly type: 'stream-refuse'
  readonly stream: number
  readonly code: StreamCode
}

/** Both ways: so many bytes were taken; as many more may be sent. */
export interface StreamCreditFrame {
  readonly type: 'stream-credit'
  readonly stream: number
  readonly bytes: number
}

/** Both ways: the sender sends no more; the other direction stays open. */
export interface StreamEndFrame {
  readonly type: 'stream-end'
  readonly stream: number
}

/** Both ways: over, in both directions, and whatever was on its way is dropped. */
export interface StreamAbortFrame {
  readonly type: 'stream-abort'
  readonly stream: number
  readonly code: StreamCode
}

/** What either side may say about a stream that is there. */
export type StreamFrame =
  | StreamAcceptFrame
  | StreamRefuseFrame
  | StreamCreditFrame
  | StreamEndFrame
  | StreamAbortFrame
export type StreamFrameOfRealm = StreamFrame | StreamOpenFrame
export type StreamFrameOfCore = StreamFrame | StreamOpenedForFrame

export interface StreamData {
  readonly stream: number
  readonly bytes: Uint8Array
}

/** Kind (1 byte), stream (4 bytes, big endian), then 1 to 32,768 bytes of payload. */
const HEAD_BYTES = 5
const DATA_KIND = 1

/** Head and payload as one message. Throws a RangeError for an id or a size that has no place in it. */
export const encodeStreamData = ({ stream, bytes }: StreamData): Uint8Array => {
  if (!isStreamId(stream) || bytes.length === 0 || bytes.length > STREAM_PIECE_BYTES) {
    throw new RangeError('no piece of a stream')
  }
  const message = new Uint8Array(HEAD_BYTES + bytes.length)
  const head = new DataView(message.buffer)
  head.setUint8(0, DATA_KIND)
  head.setUint32(1, stream)
  message.set(bytes, HEAD_BYTES)
  return message
}

/** A view into `message`, or undefined if it is not exactly a piece of a stream. */
export const decodeStreamData = (message: Uint8Array): StreamData | undefined => {
  const length = message.length - HEAD_BYTES
  if (length < 1 || length > STREAM_PIECE_BYTES || message[0] !== DATA_KIND) return undefined
  const stream = new DataView(message.buffer, message.byteOffset).getUint32(1)
  return isStreamId(stream) ? { stream, bytes: message.subarray(HEAD_BYTES) } : undefined
}

export const isStreamId = (raw: unknown): raw is number =>
  typeof raw === 'number' && Number.isInteger(raw) && raw >= 1 && raw <= STREAM_ID_MAX
