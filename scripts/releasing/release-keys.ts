// The four keys of a signer: two for manifests, two for the checkpoints of the release log. Signing is deterministic
// for both algorithms (RFC 8032; FIPS 204 §3.4), so that the same keys over the same release give the same bytes.

import {
  createHash,
  createPrivateKey,
  createPublicKey,
  generateKeyPairSync,
  type KeyObject,
  sign,
} from 'node:crypto'
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { ml_dsa44, ml_dsa65 } from '@noble/post-quantum/ml-dsa.js'
import { verifierKeyOf } from '../../src/audit/index.ts'
import { type SigningKey, verifySignature } from '../../src/crypto/index.ts'
import type { Signer } from '../../src/release/index.ts'

type Sign = (message: Uint8Array) => Uint8Array

export interface ReleaseKeys {
  /** The public halves, as operators pin them. */
  readonly signer: Signer
  readonly signEd25519: Sign
  readonly signMlDsa65: Sign
  readonly log: readonly SigningKey[]
}

export const KEY_NAMES = [
  'manifest-ed25519',
  'manifest-ml-dsa-65',
  'log-ed25519',
  'log-ml-dsa-44',
] as const
type KeyName = (typeof KEY_NAMES)[number]

const ALGORITHMS = {
  'manifest-ed25519': 'ed25519',
  'manifest-ml-dsa-65': 'ml-dsa-65',
  'log-ed25519': 'ed25519',
  'log-ml-dsa-44': 'ml-dsa-44',
} as const

interface Pair {
  readonly publicKey: Uint8Array
  readonly sign: Sign
}

const member = (key: KeyObject, name: 'x' | 'pub' | 'priv'): Uint8Array => {
  const jwk: Readonly<Record<string, unknown>> = { ...key.export({ format: 'jwk' }) }
  const value = jwk[name]
  if (typeof value !== 'string') throw new Error('a key has no such part')
  return new Uint8Array(Buffer.from(value, 'base64url'))
}

/** The runtime's own check, before anything is believed: another implementation than the one that signed. */
const checked =
  (algorithm: 'ed25519' | 'ml-dsa-44' | 'ml-dsa-65', publicKey: Uint8Array, make: Sign): Sign =>
  (message) => {
    const signature = make(message)
    if (!verifySignature(algorithm, publicKey, message, signature)) {
      throw new Error(`the ${algorithm} signature does not verify`)
    }
    return signature
  }

const ed25519Pair = (key: KeyObject): Pair => {
  const publicKey = member(createPublicKey(key), 'x')
  const make: Sign = (message) => new Uint8Array(sign(null, message, key))
  return { publicKey, sign: checked('ed25519', publicKey, make) }
}

const ML_DSA = { 'ml-dsa-44': ml_dsa44, 'ml-dsa-65': ml_dsa65 } as const

/** OpenSSL signs with fresh randomness; the deterministic variant is @noble/post-quantum's. */
const mlDsaPair = (algorithm: keyof typeof ML_DSA, seed: Uint8Array): Pair => {
  const { publicKey, secretKey } = ML_DSA[algorithm].keygen(seed)
  const make: Sign = (message) =>
    ML_DSA[algorithm].sign(message, secretKey, { extraEntropy: false })
  return { publicKey, sign: checked(algorithm, publicKey, make) }
}

const pairFrom = (name: KeyName, key: KeyObject): Pair => {
  const algorithm = ALGORITHMS[name]
  if (key.asymmetricKeyType !== algorithm) throw new Error(`${name} is no ${algorithm} key`)
  return algorithm === 'ed25519' ? ed25519Pair(key) : mlDsaPair(algorithm, member(key, 'priv'))
}

const joined = (name: string, pair: (name: KeyName) => Pair): ReleaseKeys => {
  const [ed25519, mlDsa65] = [pair('manifest-ed25519'), pair('manifest-ml-dsa-65')]
  const log: readonly SigningKey[] = [
    { algorithm: 'ed25519', ...pair('log-ed25519') },
    { algorithm: 'ml-dsa-44', ...pair('log-ml-dsa-44') },
  ]
  return {
    signer: {
      name,
      ed25519: ed25519.publicKey,
      mlDsa65: mlDsa65.publicKey,
      log: log.map((key) => verifierKeyOf(name, key)),
    },
    signEd25519: ed25519.sign,
    signMlDsa65: mlDsa65.sign,
    log,
  }
}

/** From a folder made by `makeKeys`: a file `name`, and one PKCS#8 PEM for each key. */
export const readKeys = (folder: string): ReleaseKeys =>
  joined(readFileSync(join(folder, 'name'), 'utf8').trim(), (name) =>
    pairFrom(name, createPrivateKey(readFileSync(join(folder, `${name}.pem`)))),
  )

const generate = (name: KeyName): KeyObject => {
  const algorithm = ALGORITHMS[name]
  if (algorithm === 'ed25519') return generateKeyPairSync('ed25519').privateKey
  return generateKeyPairSync(algorithm === 'ml-dsa-44' ? 'ml-dsa-44' : 'ml-dsa-65').privateKey
}

/** Makes a folder of fresh keys that only its owner can read. */
export const makeKeys = (folder: string, name: string): ReleaseKeys => {
  mkdirSync(folder, { recursive: true, mode: 0o700 })
  const flag = 'wx'
  writeFileSync(join(folder, 'name'), `${name}\n`, { flag })
  for (const key of KEY_NAMES) {
    const pem = generate(key).export({ format: 'pem', type: 'pkcs8' })
    writeFileSync(join(folder, `${key}.pem`), pem, { mode: 0o600, flag })
  }
  return readKeys(folder)
}

export const DEVELOPMENT_NAME = 'keyrealm-development-unsafe'

const publicSeed = (name: KeyName): Buffer =>
  createHash('sha256').update(`${DEVELOPMENT_NAME} ${name}: anybody can compute this key`).digest()

/** PKCS#8 (RFC 8410) around a raw Ed25519 seed. */
const ED25519_PKCS8 = Buffer.from('302e020100300506032b657004220420', 'hex')

/**
 * What a build without keys is signed with. The private halves follow from this very text, so two such builds are
 * equal, and whoever pins them is refused.
 */
export const developmentKeys = (): ReleaseKeys =>
  joined(DEVELOPMENT_NAME, (name) => {
    const algorithm = ALGORITHMS[name]
    const seed = publicSeed(name)
    if (algorithm !== 'ed25519') return mlDsaPair(algorithm, new Uint8Array(seed))
    const key = Buffer.concat([ED25519_PKCS8, seed])
    return ed25519Pair(createPrivateKey({ key, format: 'der', type: 'pkcs8' }))
  })
