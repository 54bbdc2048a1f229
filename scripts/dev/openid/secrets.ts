// The provider's own secrets, made on first use and kept in its data folder (files 0600): signing keys, cookie keys,
// client secrets. It never prints them; a file that is there is read, never replaced, except by a key rotation.
import { generateKeyPairSync, randomBytes } from 'node:crypto'
import { existsSync, readFileSync, renameSync, writeFileSync } from 'node:fs'
import type { JWK } from 'jose'
import { writeOnce } from '../certs/keep.ts'

/** Private signing keys, newest first: the provider signs with the first and publishes all. */
export function signingKeys(directory: string): readonly JWK[] {
  const file = signingKeysFile(directory)
  if (!existsSync(file)) writeOnce(file, JSON.stringify([makeSigningKey()]), 0o600)
  const raw: unknown = JSON.parse(readFileSync(file, 'utf8'))
  if (!Array.isArray(raw) || raw.length === 0) throw new Error(`${file} holds no list of keys.`)
  return raw
}

/** Adds a signing key in front. Tokens signed by the older ones stay verifiable. */
export function addSigningKey(directory: string): void {
  const file = signingKeysFile(directory)
  const keys = [makeSigningKey(), ...signingKeys(directory)]
  writeFileSync(`${file}.new`, JSON.stringify(keys), { mode: 0o600, flush: true })
  renameSync(`${file}.new`, file)
}

export function cookieKey(directory: string): string {
  return keptSecret(`${directory}/cookie-key`)
}

/** The file that holds a confidential client's secret, one line; other processes may be pointed at it. */
export function clientSecretFile(directory: string, client: string): string {
  const file = `${directory}/clients/${client}.secret`
  keptSecret(file)
  return file
}

export function clientSecret(directory: string, client: string): string {
  return readFileSync(clientSecretFile(directory, client), 'utf8').trim()
}

function keptSecret(file: string): string {
  if (!existsSync(file)) writeOnce(file, `${randomBytes(32).toString('base64url')}\n`, 0o600)
  return readFileSync(file, 'utf8').trim()
}

function signingKeysFile(directory: string): string {
  return `${directory}/signing-keys.json`
}

function makeSigningKey(): JWK {
  const { privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 })
  const kid = randomBytes(9).toString('base64url')
  return { ...privateKey.export({ format: 'jwk' }), kid, use: 'sig', alg: 'RS256' }
}
