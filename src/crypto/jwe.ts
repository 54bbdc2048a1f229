// Compact JWE (RFC 7516 §7.1) as text to parts, and nothing decrypted. Exactly five parts, canonical
// base64url, and a header of the members below, each a string and once: no zip (compression leaks
// lengths and inflates bombs), no crit, no keys inside the message.

import { asBuffer, decodeB64u } from './encoding.ts'

export interface JweHeader {
  readonly alg: string
  readonly enc: string
  readonly kid?: string
  /** What the plaintext is, where the sender says so. */
  readonly cty?: string
}

/** A JWE taken apart. Nothing in it is authenticated yet. */
export interface CompactJwe {
  readonly header: JweHeader
  /** The first part as sent: the associated data of the encryption. */
  readonly associatedData: Uint8Array
  readonly encryptedKey: Uint8Array
  readonly iv: Uint8Array
  readonly ciphertext: Uint8Array
  readonly tag: Uint8Array
}

const HEADER_MAX_CHARS = 2048
const KID = /^[\x21-\x7e]{1,1024}$/

type Members = Readonly<Partial<Record<'alg' | 'enc' | 'kid' | 'typ' | 'cty', string>>>

const ALLOWED: ReadonlySet<string> = new Set(['alg', 'enc', 'kid', 'typ', 'cty'])
const QUOTE = 0x22
const BACKSLASH = 0x5c

const countQuotes = (json: string): number => {
  let count = 0
  for (let at = 0; at < json.length; at += 1) {
    const code = json.charCodeAt(at)
    if (code === BACKSLASH) at += 1
    else if (code === QUOTE) count += 1
  }
  return count
}

const isMembers = (parsed: unknown, json: string): parsed is Members => {
  if (typeof parsed !== 'object' || parsed === null || Array.isArray(parsed)) return false
  const members = Object.entries(parsed)
  for (const [name, value] of members) {
    if (!ALLOWED.has(name) || typeof value !== 'string') return false
  }
  // JSON.parse keeps the last of two members of one name and does not tell. But a member whose value is a
  // string has four quotes, and one that was overwritten has left at least two more.
  return countQuotes(json) === 4 * members.length
}

const parseHeader = (encoded: string): JweHeader | undefined => {
  const bytes = encoded.length > HEADER_MAX_CHARS ? undefined : decodeB64u(encoded)
  if (bytes === undefined) return undefined
  const json = asBuffer(bytes).toString('latin1')
  let parsed: unknown
  try {
    parsed = JSON.parse(json)
  } catch {
    return undefined
  }
  if (!isMembers(parsed, json)) return undefined
  const { alg, enc, kid, cty } = parsed
  if (alg === undefined || enc === undefined) return undefined
  const content = cty === undefined ? {} : { cty }
  if (kid === undefined) return { alg, enc, ...content }
  return KID.test(kid) ? { alg, enc, kid, ...content } : undefined
}

/** What was read last. Headers are public, and neighbours, of one session or one room, have the same to the letter. */
let last: { readonly encoded: string; readonly header: JweHeader | undefined } | undefined

const readHeader = (encoded: string): JweHeader | undefined => {
  if (last?.encoded !== encoded) last = { encoded, header: parseHeader(encoded) }
  return last.header
}

/** Positions of exactly four dots, or undefined. */
const dots = (compact: string): readonly [number, number, number, number] | undefined => {
  const first = compact.indexOf('.')
  const second = compact.indexOf('.', first + 1)
  const third = compact.indexOf('.', second + 1)
  const fourth = compact.indexOf('.', third + 1)
  const inOrder = first > 0 && second > first && third > second && fourth > third
  return inOrder && !compact.includes('.', fourth + 1) ? [first, second, third, fourth] : undefined
}

/** The parts, or undefined for whatever is not a compact JWE of the narrow kind above. Never throws. */
export const parseCompactJwe = (compact: string): CompactJwe | undefined => {
  const at = dots(compact)
  if (at === undefined) return undefined
  const protectedText = compact.slice(0, at[0])
  const header = readHeader(protectedText)
  if (header === undefined) return undefined
  const encryptedKey = decodeB64u(compact.slice(at[0] + 1, at[1]))
  const iv = decodeB64u(compact.slice(at[1] + 1, at[2]))
  const ciphertext = decodeB64u(compact.slice(at[2] + 1, at[3]))
  const tag = decodeB64u(compact.slice(at[3] + 1))
  if (encryptedKey === undefined || iv === undefined) return undefined
  if (ciphertext === undefined || tag === undefined) return undefined
  const associatedData = Buffer.from(protectedText, 'latin1')
  return { header, associatedData, encryptedKey, iv, ciphertext, tag }
}
