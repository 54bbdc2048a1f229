// How long the first frame of a zstd file is (RFC 8878 §3.1.1). Programs disagree about what stands behind it: some read
// on, some stop, and Node does the one or the other, depending on how much came out of the first.

const MAGIC = 0xfd2fb528
const DICTIONARY_ID_BYTES = [0, 1, 2, 4] as const
const CONTENT_SIZE_BYTES = [0, 2, 4, 8] as const
const BLOCK_HEADER = 3
const CHECKSUM = 4
const RLE = 1
const RESERVED = 3

interface FrameHead {
  /** With the magic number. */
  readonly length: number
  readonly hasChecksum: boolean
}

const readHead = (bytes: Buffer): FrameHead | undefined => {
  if (bytes.length < 5 || bytes.readUInt32LE(0) !== MAGIC) return undefined
  const descriptor = bytes.readUInt8(4)
  const isOneSegment = (descriptor & 0x20) !== 0
  const sizeBytes = CONTENT_SIZE_BYTES[descriptor >> 6] ?? 0
  const length =
    5 +
    (isOneSegment ? 0 : 1) +
    (DICTIONARY_ID_BYTES[descriptor & 3] ?? 0) +
    (isOneSegment && sizeBytes === 0 ? 1 : sizeBytes)
  return { length, hasChecksum: (descriptor & 4) !== 0 }
}

/** Bytes of the first frame; undefined if it is none, or cut off. */
export const frameLength = (bytes: Buffer): number | undefined => {
  const head = readHead(bytes)
  if (head === undefined) return undefined
  let at = head.length
  for (let isLast = false; !isLast; ) {
    if (at + BLOCK_HEADER > bytes.length) return undefined
    const block = bytes.readUIntLE(at, BLOCK_HEADER)
    isLast = (block & 1) === 1
    const kind = (block >> 1) & 3
    if (kind === RESERVED) return undefined
    at += BLOCK_HEADER + (kind === RLE ? 1 : block >> 3)
  }
  const end = at + (head.hasChecksum ? CHECKSUM : 0)
  return end <= bytes.length ? end : undefined
}
