// Signed notes (C2SP signed-note): a text, an empty line, and one line for each signature. It parses and
// prints; whether a signature is good is `checkpoint.ts`'s to say.

import { sha256 } from '../crypto/index.ts'

export interface NoteSignature {
  readonly name: string
  /** 4 bytes. */
  readonly keyId: Uint8Array
  readonly signature: Uint8Array
}

export interface Note {
  /** With its last newline, without the empty line. */
  readonly text: string
  readonly signatures: readonly NoteSignature[]
}

/** The types of signature lines that we make or check (C2SP signed-note, tlog-cosignature). */
export const SIGNATURE_TYPES = { ed25519: 0x01, 'ml-dsa-44': 0x06 } as const

/** Those of witnesses. */
export const COSIGNATURE_TYPES = { ed25519: 0x04, 'ml-dsa-44': 0x06 } as const

/** Whom to believe: name, type and raw public key, as a vkey carries them. */
export interface VerifierKey {
  readonly name: string
  readonly type: number
  readonly publicKey: Uint8Array
}

const KEY_ID_BYTES = 4
const SIGNATURES_MAX = 64
const NOTE_MAX_CHARS = 1_000_000
const BASE64 = /^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/
const LINE = /^— (?<name>[^\s+]+) (?<signature>\S+)$/u
const VKEY = /^(?<name>[^\s+]+)\+(?<id>[0-9a-f]{8})\+(?<key>\S+)$/u
/** Control characters other than the newline. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is refused.
const CONTROL = /[\u0000-\u0009\u000b-\u001f]/

export const encodeBase64 = (bytes: Uint8Array): string => Buffer.from(bytes).toString('base64')

/** Standard base64 with padding, in its one spelling; else undefined. */
export const decodeBase64 = (text: string): Uint8Array | undefined => {
  if (!BASE64.test(text)) return undefined
  const bytes = Buffer.from(text, 'base64')
  return bytes.toString('base64') === text ? new Uint8Array(bytes) : undefined
}

export const utf8 = new TextEncoder()

/** SHA-256(name ‖ 0x0A ‖ type ‖ public key)[:4]. */
export const keyIdOf = ({ name, type, publicKey }: VerifierKey): Uint8Array =>
  sha256(new Uint8Array([...utf8.encode(`${name}\n`), type, ...publicKey])).slice(0, KEY_ID_BYTES)

/** `<name>+<key id in hex>+<base64 of type and key>`. */
export const formatVkey = (key: VerifierKey): string =>
  `${key.name}+${Buffer.from(keyIdOf(key)).toString('hex')}+${encodeBase64(
    new Uint8Array([key.type, ...key.publicKey]),
  )}`

/** Undefined unless it is a vkey whose id is that of its key. */
export const parseVkey = (text: string): VerifierKey | undefined => {
  const { name, key: encoded } = VKEY.exec(text)?.groups ?? {}
  const bytes = encoded === undefined ? undefined : decodeBase64(encoded)
  const type = bytes?.[0]
  if (name === undefined || bytes === undefined || type === undefined) return undefined
  const key = { name, type, publicKey: bytes.slice(1) }
  return formatVkey(key) === text ? key : undefined
}

export const formatNote = ({ text, signatures }: Note): string => {
  const lines = signatures.map(
    ({ name, keyId, signature }) =>
      `— ${name} ${encodeBase64(new Uint8Array([...keyId, ...signature]))}\n`,
  )
  return `${text}\n${lines.join('')}`
}

const parseLine = (line: string): NoteSignature | undefined => {
  const { name, signature } = LINE.exec(line)?.groups ?? {}
  const bytes = signature === undefined ? undefined : decodeBase64(signature)
  if (name === undefined || bytes === undefined || bytes.length <= KEY_ID_BYTES) return undefined
  return { name, keyId: bytes.slice(0, KEY_ID_BYTES), signature: bytes.slice(KEY_ID_BYTES) }
}

/** Undefined unless the whole of it is a signed note. */
export const parseNote = (raw: string): Note | undefined => {
  const isText = raw.length <= NOTE_MAX_CHARS && raw.endsWith('\n') && !CONTROL.test(raw)
  const split = raw.lastIndexOf('\n\n')
  if (!isText || split < 0) return undefined
  const lines = raw.slice(split + 2, -1).split('\n')
  if (lines.length > SIGNATURES_MAX) return undefined
  const signatures = lines.flatMap((line) => parseLine(line) ?? [])
  return signatures.length === lines.length
    ? { text: raw.slice(0, split + 1), signatures }
    : undefined
}
