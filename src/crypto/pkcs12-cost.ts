// How much work a PKCS#12 file asks of whoever opens it, before anything of it is done: each password hash names its own
// count of iterations, up to two thousand million. It opens nothing but what a password alone opens.

import forge from 'node-forge'

type Asn1 = forge.asn1.Asn1

const MAX_DEPTH = 40
const COUNT_MAX_BYTES = 4

const isOf = (value: Asn1 | undefined, type: forge.asn1.Type): value is Asn1 =>
  value?.tagClass === forge.asn1.Class.UNIVERSAL && value.type === type

/** Signed, big-endian; one that no program would write is without end. */
const countIn = (value: Asn1): number => {
  const bytes = typeof value.value === 'string' ? Buffer.from(value.value, 'binary') : Buffer.of()
  if (bytes.length === 0 || bytes.length > COUNT_MAX_BYTES) return Number.POSITIVE_INFINITY
  const count = bytes.readIntBE(0, bytes.length)
  return count < 1 ? Number.POSITIVE_INFINITY : count
}

/** What an OCTET STRING holds, where that is a structure itself. */
const inside = (value: Asn1): Asn1 | undefined => {
  if (typeof value.value !== 'string') return undefined
  try {
    return forge.asn1.fromDer(value.value, false)
  } catch {
    return undefined
  }
}

/**
 * Of all that can be seen in it: MacData, PBKDF2-params (RFC 8018) and pkcs-12PbeParams (RFC 7292) have in common that the
 * count follows the salt, an OCTET STRING.
 */
export const iterationsIn = (value: Asn1, depth = 0): number => {
  if (depth > MAX_DEPTH) return Number.POSITIVE_INFINITY
  if (!Array.isArray(value.value)) {
    const held = isOf(value, forge.asn1.Type.OCTETSTRING) ? inside(value) : undefined
    return held === undefined ? 0 : iterationsIn(held, depth + 1)
  }
  const children = value.value
  return children.reduce((sum, child, at) => {
    const before = children[at - 1]
    const isCount =
      isOf(child, forge.asn1.Type.INTEGER) && isOf(before, forge.asn1.Type.OCTETSTRING)
    return sum + (isCount ? countIn(child) : iterationsIn(child, depth + 1))
  }, 0)
}
