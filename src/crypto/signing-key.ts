// Keys that sign the log's checkpoints. Private parts leave only as secret bytes (PKCS#8), to be wrapped.

import {
  createPrivateKey,
  createPublicKey,
  generateKeyPairSync,
  type KeyObject,
  sign,
} from 'node:crypto'
import { Fault } from '../fault.ts'
import { SecretBytes } from './secret.ts'
import { SIGNATURE_FACTS, type SignatureAlgorithm } from './signature.ts'

/** An opened private key. */
export interface SigningKey {
  readonly algorithm: SignatureAlgorithm
  /** Raw bytes, as notes carry them. */
  readonly publicKey: Uint8Array
  sign(message: Uint8Array): Uint8Array
}

const rawPublicKey = (algorithm: SignatureAlgorithm, key: KeyObject): Uint8Array => {
  const der = createPublicKey(key).export({ format: 'der', type: 'spki' })
  // The raw key is the end of its SubjectPublicKeyInfo, for both algorithms.
  return new Uint8Array(der.subarray(der.length - SIGNATURE_FACTS[algorithm].publicKeyBytes))
}

const generate = (algorithm: SignatureAlgorithm): KeyObject =>
  algorithm === 'ed25519'
    ? generateKeyPairSync('ed25519').privateKey
    : generateKeyPairSync('ml-dsa-44').privateKey

/** A fresh private key, PKCS#8 DER. The caller wraps and wipes it. */
export const generateSigningKey = (algorithm: SignatureAlgorithm): SecretBytes =>
  SecretBytes.from(new Uint8Array(generate(algorithm).export({ format: 'der', type: 'pkcs8' })))

/** Throws a Fault `crypto.not-a-signing-key` unless the bytes are a private key of this algorithm. */
export const signingKeyFrom = (algorithm: SignatureAlgorithm, secret: SecretBytes): SigningKey => {
  const key = createPrivateKey({
    key: Buffer.from(secret.expose()),
    format: 'der',
    type: 'pkcs8',
  })
  if (key.asymmetricKeyType !== algorithm) throw new Fault('crypto.not-a-signing-key')
  return {
    algorithm,
    publicKey: rawPublicKey(algorithm, key),
    sign: (message) => new Uint8Array(sign(null, message, key)),
  }
}
