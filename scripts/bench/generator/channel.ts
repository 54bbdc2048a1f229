// The client's half of the channel, by node:crypto alone: handshake, session messages, signatures. It shares no code
// with the realm, so that it cannot agree with the realm's mistakes. KeyObjects are made once: that is the fast path.
import {
  constants,
  createCipheriv,
  createDecipheriv,
  createPublicKey,
  createSecretKey,
  diffieHellman,
  generateKeyPairSync,
  hkdfSync,
  type JsonWebKey,
  type KeyObject,
  publicEncrypt,
  randomBytes,
  verify,
} from 'node:crypto'

const CIPHER = 'aes-256-gcm'

/** A key that seals, and the protected header of everything sealed with it. */
export interface Channel {
  readonly key: KeyObject
  readonly header: string
  readonly headerBytes: Buffer
}

export function channelOf(kid: string, key: Uint8Array): Channel {
  const header = toB64u(JSON.stringify({ enc: 'A256GCM', alg: 'dir', kid }))
  return { key: createSecretKey(key), header, headerBytes: Buffer.from(header) }
}

/** RFC 7516 §7.1, `dir` and A256GCM. */
export function seal(text: string, { key, header, headerBytes }: Channel): string {
  const iv = randomBytes(12)
  const cipher = createCipheriv(CIPHER, key, iv)
  cipher.setAAD(headerBytes)
  const ciphertext = cipher.update(text, 'utf8', 'base64url') + cipher.final('base64url')
  return `${header}..${iv.toString('base64url')}.${ciphertext}.${cipher.getAuthTag().toString('base64url')}`
}

/** Throws if the message is not authentic. */
export function open(compact: string, { key }: Pick<Channel, 'key'>): string {
  const [header = '', , iv = '', ciphertext = '', tag = ''] = compact.split('.')
  const decipher = createDecipheriv(CIPHER, key, Buffer.from(iv, 'base64url'))
  decipher.setAAD(Buffer.from(header))
  decipher.setAuthTag(Buffer.from(tag, 'base64url'))
  return decipher.update(ciphertext, 'base64url', 'utf8') + decipher.final('utf8')
}

/** The realm's public identity, as the details name it. */
export interface StaticKey {
  readonly kid: string
  readonly publicKey: KeyObject
}

export function staticKeyFrom(jwkJson: string): StaticKey {
  const jwk: JsonWebKey & { readonly kid: string } = JSON.parse(jwkJson)
  return { kid: jwk.kid, publicKey: createPublicKey({ key: jwk, format: 'jwk' }) }
}

/** RSA-OAEP and A256GCM, as every client seals its handshake. */
export function sealHandshake(text: string, { kid, publicKey }: StaticKey): string {
  const header = toB64u(JSON.stringify({ enc: 'A256GCM', alg: 'RSA-OAEP', kid }))
  const contentKey = randomBytes(32)
  const wrapped = publicEncrypt(
    { key: publicKey, padding: constants.RSA_PKCS1_OAEP_PADDING, oaepHash: 'sha1' },
    contentKey,
  )
  const key = createSecretKey(contentKey)
  const sealed = seal(text, { key, header, headerBytes: Buffer.from(header) })
  return sealed.replace('..', `.${wrapped.toString('base64url')}.`)
}

/** The payload of a JWS by the realm (PS256). Throws if it is not the realm's. */
export function openSigned(compact: string, { publicKey }: StaticKey): string {
  const [header = '', payload = '', signature = ''] = compact.split('.')
  const isGenuine = verify(
    'sha256',
    Buffer.from(`${header}.${payload}`),
    { key: publicKey, padding: constants.RSA_PKCS1_PSS_PADDING, saltLength: 32 },
    Buffer.from(signature, 'base64url'),
  )
  if (!isGenuine) throw new Error('The realm did not sign this.')
  return Buffer.from(payload, 'base64url').toString('utf8')
}

/** One half of an agreement. A device keeps its own for a whole run, as real clients do when they try again. */
export interface OwnHalf {
  readonly publicJwk: JsonWebKey
  readonly privateKey: KeyObject
}

export function makeOwnHalf(): OwnHalf {
  const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
  return { publicJwk: publicKey.export({ format: 'jwk' }), privateKey }
}

/** ECDH, then HKDF-SHA-256 without salt and info. */
export function agree({ privateKey }: OwnHalf, theirs: JsonWebKey): Uint8Array {
  const publicKey = createPublicKey({ key: theirs, format: 'jwk' })
  const z = diffieHellman({ privateKey, publicKey })
  return new Uint8Array(hkdfSync('sha256', z, '', '', 32))
}

function toB64u(text: string): string {
  return Buffer.from(text).toString('base64url')
}
