// A list of hashes as the core gets it: packed, `TOKEN_BYTES` each, in the order of their bytes. The order of words, and
// which of the hashes are noise, is lost here.

import { TOKEN_BYTES } from '../crypto/index.ts'

/**
 * Where hashes are sorted: six bytes of each are exact in a double, the other four decide where the six are equal. Kept
 * from list to list, since most lists are short and there are very many. Hashes are public: nothing is wiped.
 */
let front = new Float64Array(256)
let back = new Uint32Array(256)

const SIX_BYTES = 0x10000

/** Lists of messages are short: putting each hash in its place beats a general sort several times over. */
const FEW = 64
const BUCKET_BITS = 16

const read = (view: DataView, at: number, place: number): void => {
  front[place] = view.getUint32(at) * SIX_BYTES + view.getUint16(at + 4)
  back[place] = view.getUint32(at + 6)
}

const readInOrder = (view: DataView, from: number, count: number): void => {
  for (let place = 0; place < count; place += 1) read(view, from + place * TOKEN_BYTES, place)
}

/** Into buckets by their first bits: hashes are evenly spread, so afterwards each is nearly where it belongs. */
const readByBuckets = (view: DataView, from: number, count: number): void => {
  const shift = Math.max(0, BUCKET_BITS - Math.ceil(Math.log2(count)))
  const next = new Uint32Array((1 << (BUCKET_BITS - shift)) + 1)
  const end = from + count * TOKEN_BYTES
  for (let at = from; at < end; at += TOKEN_BYTES) {
    const after = (view.getUint16(at) >>> shift) + 1
    next[after] = (next[after] ?? 0) + 1
  }
  for (let bucket = 1; bucket < next.length; bucket += 1) {
    next[bucket] = (next[bucket] ?? 0) + (next[bucket - 1] ?? 0)
  }
  for (let at = from; at < end; at += TOKEN_BYTES) {
    const bucket = view.getUint16(at) >>> shift
    const place = next[bucket] ?? 0
    next[bucket] = place + 1
    read(view, at, place)
  }
}

const putInPlace = (count: number): void => {
  for (let index = 1; index < count; index += 1) {
    const ownFront = front[index] ?? 0
    const ownBack = back[index] ?? 0
    let place = index
    for (; place > 0; place -= 1) {
      const before = front[place - 1] ?? 0
      if (before < ownFront || (before === ownFront && (back[place - 1] ?? 0) <= ownBack)) break
      front[place] = before
      back[place] = back[place - 1] ?? 0
    }
    front[place] = ownFront
    back[place] = ownBack
  }
}

const write = (view: DataView, from: number, count: number): void => {
  for (let place = 0, at = from; place < count; place += 1, at += TOKEN_BYTES) {
    const six = front[place] ?? 0
    view.setUint32(at, six / SIX_BYTES)
    view.setUint16(at + 4, six % SIX_BYTES)
    view.setUint32(at + 6, back[place] ?? 0)
  }
}

/** Sorts `count` hashes by their bytes, where they lie: from byte `from` of `view` on. */
export const sortHashesAt = (view: DataView, from: number, count: number): void => {
  if (count > front.length) {
    front = new Float64Array(2 * count)
    back = new Uint32Array(2 * count)
  }
  if (count > FEW) readByBuckets(view, from, count)
  else readInOrder(view, from, count)
  putInPlace(count)
  write(view, from, count)
}

/** A sorted copy; what is there twice stays there twice. */
export const sortedHashes = (hashes: Uint8Array): Uint8Array<ArrayBuffer> => {
  const sorted = new Uint8Array(hashes)
  sortHashesAt(new DataView(sorted.buffer), 0, sorted.length / TOKEN_BYTES)
  return sorted
}

/** Each hash in lower-case hexadecimal. */
export const hexHashes = (hashes: Uint8Array): readonly string[] => {
  const all = Buffer.from(hashes.buffer, hashes.byteOffset, hashes.byteLength).toString('hex')
  return Array.from({ length: hashes.length / TOKEN_BYTES }, (_, index) =>
    all.slice(2 * TOKEN_BYTES * index, 2 * TOKEN_BYTES * (index + 1)),
  )
}
