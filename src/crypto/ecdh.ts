// P-256 agreement with a point that a stranger sent (draft §4.7.1, RFC 7518 §6.2.1). The point is
// checked to lie on the curve; every other member of the stranger's JWK is dropped, `d` above all.

import { createECDH } from 'node:crypto'
import { Fault } from '../fault.ts'
import { type Refusal, refuse } from '../refusal.ts'
import { decodeB64u, encodeB64u } from './encoding.ts'
import type { Random } from './random.ts'
import { SecretBytes } from './secret.ts'

export interface PublicJwkP256 {
  readonly kty: 'EC'
  readonly crv: 'P-256'
  readonly x: string
  readonly y: string
}

export interface Agreement {
  /** Our half, for the other side. */
  readonly publicJwk: PublicJwkP256
  /** Z: the x-coordinate, left-padded to 32 bytes. */
  readonly sharedSecret: SecretBytes
}

const CURVE = 'prime256v1'
const COORDINATE_BYTES = 32
const UNCOMPRESSED = 4
// A first byte of zero comes once in 256 draws; so many in a row means a broken source of randomness.
const MAX_DRAWS = 64

const member = (jwk: object, name: string): unknown =>
  Object.hasOwn(jwk, name) ? Reflect.get(jwk, name) : undefined

const coordinate = (raw: unknown): Uint8Array | undefined => {
  // 43 characters hold 32 bytes: a shorter or longer form of the same number is refused.
  if (typeof raw !== 'string' || raw.length !== 43) return undefined
  return decodeB64u(raw)
}

/** SEC 1 §2.3.3, uncompressed. Whether it lies on the curve is checked by the first use. */
const parsePoint = (raw: unknown): Uint8Array | undefined => {
  if (typeof raw !== 'object' || raw === null) return undefined
  if (member(raw, 'kty') !== 'EC' || member(raw, 'crv') !== 'P-256') return undefined
  const x = coordinate(member(raw, 'x'))
  const y = coordinate(member(raw, 'y'))
  if (x === undefined || y === undefined) return undefined
  return Uint8Array.from([UNCOMPRESSED, ...x, ...y])
}

type OwnHalf = ReturnType<typeof createECDH>

/** Takes over `scalar` and wipes it; undefined if it is not between 1 and the order of the curve. */
const ownHalfFrom = (scalar: Uint8Array): OwnHalf | undefined => {
  const half = createECDH(CURVE)
  try {
    half.setPrivateKey(scalar)
    return half
  } catch {
    return undefined
  } finally {
    scalar.fill(0)
  }
}

/** Z, or undefined if the point is not on the curve. */
const sharedX = (half: OwnHalf, point: Uint8Array): Uint8Array | undefined => {
  try {
    const secret = half.computeSecret(point)
    const padded = new Uint8Array(COORDINATE_BYTES)
    padded.set(secret, COORDINATE_BYTES - secret.length)
    secret.fill(0)
    return padded
  } catch {
    return undefined
  }
}

const publicJwkOf = (half: OwnHalf): PublicJwkP256 => {
  const point = half.getPublicKey()
  return {
    kty: 'EC',
    crv: 'P-256',
    x: encodeB64u(point.subarray(1, 1 + COORDINATE_BYTES)),
    y: encodeB64u(point.subarray(1 + COORDINATE_BYTES)),
  }
}

/** Refuses with `request.invalid-point` whatever is not a P-256 public JWK whose point is on the curve. */
export const agreeP256 = (clientJwk: unknown, random: Random): Agreement | Refusal => {
  const point = parsePoint(clientJwk)
  if (point === undefined) return refuse('request.invalid-point')
  for (let draw = 0; draw < MAX_DRAWS; draw += 1) {
    const half = ownHalfFrom(random.bytes(COORDINATE_BYTES))
    if (half === undefined) continue
    const shared = sharedX(half, point)
    if (shared === undefined) return refuse('request.invalid-point')
    // Observed of real clients: one strips leading zeros of Z and would derive another key, once in 256.
    if (shared[0] === 0) continue
    return { publicJwk: publicJwkOf(half), sharedSecret: SecretBytes.from(shared) }
  }
  throw new Fault('crypto.no-agreement')
}

/** Z of a known private key and a public one; for test vectors and clients of ours. */
export const deriveSharedSecret = (
  privateJwk: unknown,
  publicJwk: unknown,
): SecretBytes | Refusal => {
  const ownPoint = parsePoint(privateJwk)
  const point = parsePoint(publicJwk)
  if (ownPoint === undefined || point === undefined) return refuse('request.invalid-point')
  const scalar = coordinate(member(Object(privateJwk), 'd'))
  const half = scalar === undefined ? undefined : ownHalfFrom(scalar)
  const shared = half === undefined ? undefined : sharedX(half, point)
  return shared === undefined ? refuse('request.invalid-point') : SecretBytes.from(shared)
}
