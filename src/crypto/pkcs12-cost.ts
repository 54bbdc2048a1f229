// How much work a PKCS#12 file asks of whoever opens it, counted before it is done: each hash of the password names its own
// count of iterations, up to two thousand million of them, and the library does whatever it is told.

import forge from 'node-forge'

type Asn1 = forge.asn1.Asn1

/** Three hashes of 600,000, as careful programs make them, and some room. Seconds. */
const MAX_ITERATIONS = 2_000_000
const MAX_DEPTH = 40
const COUNT_MAX_BYTES = 4
const { Class, Type, create, fromDer } = forge.asn1

const isOf = (value: Asn1 | undefined, type: forge.asn1.Type): value is Asn1 =>
  value?.tagClass === Class.UNIVERSAL && value.type === type

const membersOf = ({ value }: Asn1): readonly Asn1[] => (Array.isArray(value) ? value : [])

/** BER may cut a string into pieces. */
const octetsOf = ({ value }: Asn1): string =>
  Array.isArray(value) ? value.map(octetsOf).join('') : value

/** Every structure in there, those within an OCTET STRING too. Throws where they are nested without end. */
function* everythingIn(value: Asn1, depth = 0): Generator<Asn1> {
  if (depth > MAX_DEPTH) throw new RangeError('nested too deeply')
  yield value
  for (const member of membersOf(value)) yield* everythingIn(member, depth + 1)
  const held = isOf(value, Type.OCTETSTRING) ? structureIn(octetsOf(value)) : undefined
  if (held !== undefined) yield* everythingIn(held, depth + 1)
}

const structureIn = (octets: string): Asn1 | undefined => {
  try {
    return fromDer(octets, false)
  } catch {
    return undefined
  }
}

/** A count that no program would write counts as without end. */
const countIn = (value: Asn1): number => {
  const bytes = Buffer.from(octetsOf(value), 'binary')
  if (bytes.length === 0 || bytes.length > COUNT_MAX_BYTES) return Number.POSITIVE_INFINITY
  const count = bytes.readIntBE(0, bytes.length)
  return count < 1 ? Number.POSITIVE_INFINITY : count
}

/**
 * MacData, pkcs-12PbeParams (RFC 7292) and PBKDF2-params (RFC 8018) have in common that the count follows the salt, an
 * OCTET STRING.
 */
const iterationsIn = (value: Asn1): number => {
  let sum = 0
  for (const one of everythingIn(value)) {
    const members = membersOf(one)
    for (const [at, member] of members.entries()) {
      const isCount = isOf(member, Type.INTEGER) && isOf(members[at - 1], Type.OCTETSTRING)
      if (isCount) sum += countIn(member)
    }
  }
  return sum
}

/** EncryptedContentInfo (RFC 5652): what kind, how, and [0] the content. */
const isEncryptedContent = (value: Asn1): boolean => {
  const [kind, how, content, ...more] = membersOf(value)
  const isContent = content?.tagClass === Class.CONTEXT_SPECIFIC && more.length === 0
  return isOf(kind, Type.OID) && isOf(how, Type.SEQUENCE) && isContent
}

/** The same algorithms as of a private key, and so the same function. */
const decrypted = (value: Asn1, password: string): Asn1 => {
  const [, how, content] = membersOf(value)
  if (how === undefined || content === undefined) throw new RangeError('not an encrypted content')
  const octets = create(Class.UNIVERSAL, Type.OCTETSTRING, false, octetsOf(content))
  const info = create(Class.UNIVERSAL, Type.SEQUENCE, true, [how, octets])
  return forge.pki.decryptPrivateKeyInfo(info, password)
}

/**
 * Does opening it stay within reason, also what comes to light only once a part is open? May throw the library's errors
 * for what is damaged.
 */
export const isCheapToOpen = (pfx: Asn1, password: string): boolean => {
  let sum = iterationsIn(pfx)
  if (sum > MAX_ITERATIONS) return false
  for (const part of everythingIn(pfx)) {
    if (isEncryptedContent(part)) sum += iterationsIn(decrypted(part, password))
  }
  return sum <= MAX_ITERATIONS
}
