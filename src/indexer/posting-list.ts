// A list of hashes as the core gets it: packed, `TOKEN_BYTES` each, in the order of their bytes. The order of words, and
// which of the hashes are noise, is lost here.

import { TOKEN_BYTES } from '../crypto/index.ts'

/** Six bytes are exact in a double; the other four decide where the six are equal. */
interface Sortable {
  readonly front: Float64Array
  readonly back: Uint32Array
}

const read = (hashes: Uint8Array, count: number): Sortable => {
  const view = new DataView(hashes.buffer, hashes.byteOffset, hashes.byteLength)
  const front = new Float64Array(count)
  const back = new Uint32Array(count)
  for (let index = 0; index < count; index += 1) {
    const at = index * TOKEN_BYTES
    front[index] = view.getUint32(at) * 0x10000 + view.getUint16(at + 4)
    back[index] = view.getUint32(at + 6)
  }
  return { front, back }
}

const compareAt = ({ front, back }: Sortable, one: number, other: number): number =>
  (front[one] ?? 0) - (front[other] ?? 0) || (back[one] ?? 0) - (back[other] ?? 0)

/** Lists of messages are short: putting each in its place beats a general sort several times over. */
const FEW = 32

const orderOf = (sortable: Sortable, count: number): readonly number[] => {
  const order = Array.from({ length: count }, (_, index) => index)
  if (count > FEW) return order.sort((one, other) => compareAt(sortable, one, other))
  for (let index = 1; index < count; index += 1) {
    let place = index
    for (; place > 0; place -= 1) {
      const before = order[place - 1] ?? 0
      if (compareAt(sortable, before, index) <= 0) break
      order[place] = before
    }
    order[place] = index
  }
  return order
}

/** Sorts by the bytes; what is there twice stays there twice. */
export const sortedHashes = (hashes: Uint8Array): Uint8Array<ArrayBuffer> => {
  const count = hashes.length / TOKEN_BYTES
  const sorted = new Uint8Array(hashes.length)
  for (const [place, index] of orderOf(read(hashes, count), count).entries()) {
    const from = index * TOKEN_BYTES
    const to = place * TOKEN_BYTES
    for (let byte = 0; byte < TOKEN_BYTES; byte += 1) sorted[to + byte] = hashes[from + byte] ?? 0
  }
  return sorted
}

/** Each hash in lower-case hexadecimal. */
export const hexHashes = (hashes: Uint8Array): readonly string[] => {
  const all = Buffer.from(hashes.buffer, hashes.byteOffset, hashes.byteLength).toString('hex')
  return Array.from({ length: hashes.length / TOKEN_BYTES }, (_, index) =>
    all.slice(2 * TOKEN_BYTES * index, 2 * TOKEN_BYTES * (index + 1)),
  )
}
