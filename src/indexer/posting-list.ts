// A list of hashes as the core gets it: packed, `TOKEN_BYTES` each, in the order of their bytes. The order of words, and
// which of the hashes are noise, is lost here.

import { TOKEN_BYTES } from '../crypto/index.ts'

/** Sorts by the bytes; what is packed keeps its multiplicity. */
export const sortedHashes = (hashes: Uint8Array): Uint8Array<ArrayBuffer> => {
  const view = new DataView(hashes.buffer, hashes.byteOffset, hashes.byteLength)
  const count = hashes.length / TOKEN_BYTES
  const front = new Float64Array(count)
  const back = new Uint32Array(count)
  const order = new Array<number>(count)
  for (let index = 0; index < count; index += 1) {
    const at = index * TOKEN_BYTES
    // Six bytes are exact in a double; the other four decide where the six are equal.
    front[index] = view.getUint32(at) * 0x10000 + view.getUint16(at + 4)
    back[index] = view.getUint32(at + 6)
    order[index] = index
  }
  order.sort(
    (one, other) =>
      (front[one] ?? 0) - (front[other] ?? 0) || (back[one] ?? 0) - (back[other] ?? 0),
  )
  const sorted = new Uint8Array(hashes.length)
  for (const [place, index] of order.entries()) {
    const at = index * TOKEN_BYTES
    sorted.set(hashes.subarray(at, at + TOKEN_BYTES), place * TOKEN_BYTES)
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
