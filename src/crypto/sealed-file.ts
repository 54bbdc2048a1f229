// A small file that holds a secret under a passphrase: Argon2id (RFC 9106 §4, second recommended option)
// and AES-256-GCM. Whoever can write the file must not be able to make us allocate without bound, so the
// parameters inside are checked before use, and all of them are associated data.

import { argon2Sync } from 'node:crypto'
import { aesKeyFrom, type GcmSealedInput, IV_BYTES, openGcm, sealGcm, TAG_BYTES } from './aes.ts'
import { decodeB64u, encodeB64u } from './encoding.ts'
import type { Random } from './random.ts'
import { SecretBytes } from './secret.ts'

/** Why a sealed file did not open. A changed file and a wrong passphrase cannot be told apart. */
export type SealedFileProblem =
  | 'not-a-sealed-file'
  | 'unknown-version'
  | 'parameters-out-of-bounds'
  | 'about-something-else'
  | 'wrong-passphrase'

interface Parameters {
  readonly memoryKib: number
  readonly passes: number
  readonly lanes: number
}

interface Header extends Parameters {
  readonly about: string
  readonly salt: string
}

const FORMAT = 'keyrealm-sealed-file'
const VERSION = 1
const WRITTEN: Parameters = { memoryKib: 64 * 1024, passes: 3, lanes: 4 }
// Up: 1 GiB and a few seconds. Down: weaker than what we write is not ours.
const BOUNDS: Readonly<Record<keyof Parameters, readonly [number, number]>> = {
  memoryKib: [64 * 1024, 1024 * 1024],
  passes: [3, 16],
  lanes: [1, 16],
}
const SALT_BYTES = 16
const FILE_MAX_CHARS = 64 * 1024

/** One order, one spelling: the bytes that the encryption authenticates. */
const associatedData = (header: Header): Uint8Array => {
  const { about, memoryKib, passes, lanes, salt } = header
  return Buffer.from(
    JSON.stringify([FORMAT, VERSION, about, 'argon2id', memoryKib, passes, lanes, salt, 'A256GCM']),
  )
}

const fileKey = (passphrase: SecretBytes, header: Header, salt: Uint8Array) => {
  const bytes = argon2Sync('argon2id', {
    message: passphrase.expose(),
    nonce: salt,
    memory: header.memoryKib,
    passes: header.passes,
    parallelism: header.lanes,
    tagLength: 32,
  })
  const key = aesKeyFrom(bytes)
  bytes.fill(0)
  return key
}

/** `about` says what the secret is, in clear and authenticated. Takes a fraction of a second, on purpose. */
export const sealWithPassphrase = (
  secret: SecretBytes,
  passphrase: SecretBytes,
  about: string,
  random: Random,
): string => {
  const salt = random.bytes(SALT_BYTES)
  const header: Header = { ...WRITTEN, about, salt: encodeB64u(salt) }
  const iv = random.bytes(IV_BYTES)
  const { ciphertext, tag } = sealGcm(
    fileKey(passphrase, header, salt),
    { iv, associatedData: associatedData(header) },
    secret.expose(),
  )
  const { memoryKib, passes, lanes } = header
  const file = {
    format: FORMAT,
    version: VERSION,
    about,
    kdf: { name: 'argon2id', memoryKib, passes, lanes, salt: header.salt },
    cipher: 'A256GCM',
    iv: encodeB64u(iv),
    ciphertext: encodeB64u(ciphertext),
    tag: encodeB64u(tag),
  }
  return `${JSON.stringify(file, null, 2)}\n`
}

const record = (raw: unknown): Readonly<Record<string, unknown>> =>
  typeof raw === 'object' && raw !== null ? { ...raw } : {}

const inBounds = (name: keyof Parameters, value: unknown): number | undefined => {
  const [least, most] = BOUNDS[name]
  if (typeof value !== 'number' || !Number.isInteger(value)) return undefined
  return value >= least && value <= most ? value : undefined
}

const bytesOf = (raw: unknown, length?: number): Uint8Array | undefined => {
  const bytes = typeof raw === 'string' ? decodeB64u(raw) : undefined
  return length === undefined || bytes?.length === length ? bytes : undefined
}

const parseFile = (json: string): Readonly<Record<string, unknown>> | undefined => {
  if (json.length > FILE_MAX_CHARS) return undefined
  try {
    return record(JSON.parse(json))
  } catch {
    return undefined
  }
}

const parseParameters = (kdf: Readonly<Record<string, unknown>>): Parameters | undefined => {
  const memoryKib = inBounds('memoryKib', kdf['memoryKib'])
  const passes = inBounds('passes', kdf['passes'])
  const lanes = inBounds('lanes', kdf['lanes'])
  if (memoryKib === undefined || passes === undefined || lanes === undefined) return undefined
  return { memoryKib, passes, lanes }
}

interface Sealing {
  readonly header: Header
  readonly salt: Uint8Array
  readonly sealed: GcmSealedInput
}

/** Everything but the passphrase, checked. */
const parseSealing = (json: string): Sealing | SealedFileProblem => {
  const file = parseFile(json)
  if (file?.['format'] !== FORMAT) return 'not-a-sealed-file'
  if (file['version'] !== VERSION) return 'unknown-version'
  const kdf = record(file['kdf'])
  if (kdf['name'] !== 'argon2id' || file['cipher'] !== 'A256GCM') return 'not-a-sealed-file'
  const about = file['about']
  const salt = bytesOf(kdf['salt'], SALT_BYTES)
  const iv = bytesOf(file['iv'], IV_BYTES)
  const tag = bytesOf(file['tag'], TAG_BYTES)
  const ciphertext = bytesOf(file['ciphertext'])
  if (typeof about !== 'string' || salt === undefined) return 'not-a-sealed-file'
  if (iv === undefined || tag === undefined || ciphertext === undefined) return 'not-a-sealed-file'
  const parameters = parseParameters(kdf)
  if (parameters === undefined) return 'parameters-out-of-bounds'
  const header: Header = { ...parameters, about, salt: encodeB64u(salt) }
  return { header, salt, sealed: { iv, associatedData: associatedData(header), ciphertext, tag } }
}

/**
 * The secret, if the file is about `about` and the passphrase is right; else why not. Never throws on
 * any text.
 */
export const openWithPassphrase = (
  json: string,
  passphrase: SecretBytes,
  about: string,
): SecretBytes | SealedFileProblem => {
  const sealing = parseSealing(json)
  if (typeof sealing === 'string') return sealing
  if (sealing.header.about !== about) return 'about-something-else'
  const key = fileKey(passphrase, sealing.header, sealing.salt)
  const opened = openGcm(key, sealing.sealed)
  return opened === undefined ? 'wrong-passphrase' : SecretBytes.from(opened)
}
