#!/usr/bin/env node
// Checks a Keyrealm audit log offline: nothing was altered, nothing is missing. It needs Node 24 and no more: no
// network, no database, no package. Made by scripts/build-verifier.ts from the files named below; Apache-2.0.

import { createPublicKey, hash, verify } from 'node:crypto'
import { existsSync, readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { parseArgs } from 'node:util'

// ===== src/crypto/hash.ts

// SHA-256 (FIPS 180-4), the only hash outside HMAC, HKDF and the RSA paddings.

const SHA256_BYTES = 32

/**
 * Text is hashed as UTF-8. The digest comes as text of one byte a character: asked for as bytes, the runtime
 * makes an external buffer of it, which costs several times as much as hashing a short input.
 */
const sha256 = (data) => {
  const digest = hash('sha256', data, 'binary')
  const bytes = new Uint8Array(SHA256_BYTES)
  for (let index = 0; index < SHA256_BYTES; index++) bytes[index] = digest.charCodeAt(index)
  return bytes
}

// ===== src/audit/tree.ts

// The Merkle tree of RFC 6962 §2.1 over the entries: hashes, roots, and the two proofs. Pure arithmetic;
// sizes and indexes go up to 2⁵³, so nothing here shifts bits. It knows neither tiles nor signatures.

const HASH_BYTES = 32

/** The root of a tree without leaves. */
const EMPTY_ROOT = sha256('')

/** SHA-256(0x00 ‖ data); of a text, over its UTF-8 bytes, which then need not be made. */
const leafHash = (data) => {
  if (typeof data === 'string') return sha256(`\0${data}`)
  const input = new Uint8Array(data.length + 1)
  input.set(data, 1)
  return sha256(input)
}

const pair = new Uint8Array(1 + 2 * HASH_BYTES).fill(1, 0, 1)

/** SHA-256(0x01 ‖ left ‖ right). */
const nodeHash = (left, right) => {
  pair.set(left, 1)
  pair.set(right, 1 + HASH_BYTES)
  return sha256(pair)
}

const sameBytes = (left, right) =>
  left.length === right.length && left.every((byte, index) => byte === right[index])

/** Joins the roots of perfect subtrees, the leftmost first, to the root of all of them. */
const joinPeaks = (peaks) =>
  peaks.length === 0 ? EMPTY_ROOT : peaks.reduceRight((right, left) => nodeHash(left, right))

/** A tree that only grows, kept as the roots of its perfect subtrees: all that appending needs. */
class Frontier {
  #peaks = []
  #size = 0

  /** The tree of `size` leaves, from the roots of its perfect subtrees. */
  static of(size, peaks) {
    const frontier = new Frontier()
    frontier.#peaks.push(...peaks)
    frontier.#size = size
    return frontier
  }

  get size() {
    return this.#size
  }

  append(leaf) {
    let hash = leaf
    for (let rest = this.#size; rest % 2 === 1; rest = (rest - 1) / 2) {
      hash = nodeHash(this.#peaks.pop() ?? EMPTY_ROOT, hash)
    }
    this.#peaks.push(hash)
    this.#size += 1
  }

  /** The largest perfect subtree first. */
  get peaks() {
    return this.#peaks
  }

  root() {
    return joinPeaks(this.#peaks)
  }
}

/** RFC 6962's k: the largest power of two smaller than `count`. */
const splitOf = (count) => {
  let k = 1
  while (k * 2 < count) k *= 2
  return k
}

/** The perfect subtrees of a range that occurs in a proof, left to right. */
const subtreesOf = ([start, end]) => {
  const subtrees = []
  let at = start
  while (at < end) {
    let [level, width] = [0, 1]
    while (at % (width * 2) === 0 && at + width * 2 <= end) {
      level += 1
      width *= 2
    }
    subtrees.push({ level, index: at / width })
    at += width
  }
  return subtrees
}

/** The root that an inclusion proof leads to, or undefined if it has the wrong length. */
const rootFromInclusion = (leaf, index, size, proof) => {
  if (size === 1) return proof.length === 0 ? leaf : undefined
  const sibling = proof.at(-1)
  const middle = splitOf(size)
  const isLeft = index < middle
  const inner = isLeft
    ? rootFromInclusion(leaf, index, middle, proof.slice(0, -1))
    : rootFromInclusion(leaf, index - middle, size - middle, proof.slice(0, -1))
  if (sibling === undefined || inner === undefined) return undefined
  return isLeft ? nodeHash(inner, sibling) : nodeHash(sibling, inner)
}

const headsFrom = (oldRoot, [old, size], proof) => {
  const last = proof.at(-1)
  if (old === size) {
    const known = oldRoot ?? last
    const isWhole = proof.length === (oldRoot === undefined ? 1 : 0)
    return known !== undefined && isWhole ? { old: known, new: known } : undefined
  }
  const middle = splitOf(size)
  const rest = proof.slice(0, -1)
  const isLeft = old <= middle
  const inner = isLeft
    ? headsFrom(oldRoot, [old, middle], rest)
    : headsFrom(undefined, [old - middle, size - middle], rest)
  if (last === undefined || inner === undefined) return undefined
  return isLeft
    ? { old: inner.old, new: nodeHash(inner.new, last) }
    : { old: nodeHash(last, inner.old), new: nodeHash(last, inner.new) }
}

/** Does the tree of size and root `old` begin that of `now`? A tree without leaves begins every tree. */
const isConsistent = (old, now, proof) => {
  if (old.size > now.size) return false
  if (old.size === 0) return proof.length === 0 && sameBytes(old.root, EMPTY_ROOT)
  const heads = headsFrom(old.root, [old.size, now.size], proof)
  return heads !== undefined && sameBytes(heads.old, old.root) && sameBytes(heads.new, now.root)
}

// ===== src/crypto/signature.ts

// Signatures over the log's checkpoints, Ed25519 (RFC 8032) and ML-DSA-44, and over releases, Ed25519 and ML-DSA-65
// (FIPS 204, pure, empty context). Public keys travel as their raw bytes. Checking needs nothing but Node.

const SIGNATURE_FACTS = {
  ed25519: {
    publicKeyBytes: 32,
    signatureBytes: 64,
    jwk: (x) => ({ kty: 'OKP', crv: 'Ed25519', x }),
  },
  'ml-dsa-44': {
    publicKeyBytes: 1312,
    signatureBytes: 2420,
    jwk: (pub) => ({ kty: 'AKP', alg: 'ML-DSA-44', pub }),
  },
  'ml-dsa-65': {
    publicKeyBytes: 1952,
    signatureBytes: 3309,
    jwk: (pub) => ({ kty: 'AKP', alg: 'ML-DSA-65', pub }),
  },
}

const publicKeyFrom = (algorithm, raw) =>
  createPublicKey({
    key: SIGNATURE_FACTS[algorithm].jwk(Buffer.from(raw).toString('base64url')),
    format: 'jwk',
  })

/** False for anything that is not this key's signature over this message, of whatever length. */
const verifySignature = (algorithm, publicKey, message, signature) => {
  const { publicKeyBytes, signatureBytes } = SIGNATURE_FACTS[algorithm]
  if (publicKey.length !== publicKeyBytes || signature.length !== signatureBytes) return false
  return verify(null, message, publicKeyFrom(algorithm, publicKey), signature)
}

// ===== src/audit/note.ts

// Signed notes (C2SP signed-note): a text, an empty line, and one line for each signature. It parses and
// prints; whether a signature is good is `checkpoint.ts`'s to say.

/** The types of signature lines that we make or check (C2SP signed-note, tlog-cosignature). */
const SIGNATURE_TYPES = { ed25519: 0x01, 'ml-dsa-44': 0x06 }

/** Those of witnesses. */
const COSIGNATURE_TYPES = { ed25519: 0x04, 'ml-dsa-44': 0x06 }

const KEY_ID_BYTES = 4
const SIGNATURES_MAX = 64
const NOTE_MAX_CHARS = 1_000_000
const BASE64 = /^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/
const LINE = /^— (?<name>[^\s+]+) (?<signature>\S+)$/u
const VKEY = /^(?<name>[^\s+]+)\+(?<id>[0-9a-f]{8})\+(?<key>\S+)$/u
/** Control characters other than the newline. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is refused.
const CONTROL = /[\u0000-\u0009\u000b-\u001f]/

const encodeBase64 = (bytes) => Buffer.from(bytes).toString('base64')

/** Standard base64 with padding, in its one spelling; else undefined. */
const decodeBase64 = (text) => {
  if (!BASE64.test(text)) return undefined
  const bytes = Buffer.from(text, 'base64')
  return bytes.toString('base64') === text ? new Uint8Array(bytes) : undefined
}

const utf8 = new TextEncoder()

/** SHA-256(name ‖ 0x0A ‖ type ‖ public key)[:4]. */
const keyIdOf = ({ name, type, publicKey }) =>
  sha256(new Uint8Array([...utf8.encode(`${name}\n`), type, ...publicKey])).slice(0, KEY_ID_BYTES)

/** `<name>+<key id in hex>+<base64 of type and key>`. */
const formatVkey = (key) =>
  `${key.name}+${Buffer.from(keyIdOf(key)).toString('hex')}+${encodeBase64(
    new Uint8Array([key.type, ...key.publicKey]),
  )}`

/** Undefined unless it is a vkey whose id is that of its key. */
const parseVkey = (text) => {
  const { name, key: encoded } = VKEY.exec(text)?.groups ?? {}
  const bytes = encoded === undefined ? undefined : decodeBase64(encoded)
  const type = bytes?.[0]
  if (name === undefined || bytes === undefined || type === undefined) return undefined
  const key = { name, type, publicKey: bytes.slice(1) }
  return formatVkey(key) === text ? key : undefined
}

const parseLine = (line) => {
  const { name, signature } = LINE.exec(line)?.groups ?? {}
  const bytes = signature === undefined ? undefined : decodeBase64(signature)
  if (name === undefined || bytes === undefined || bytes.length <= KEY_ID_BYTES) return undefined
  return { name, keyId: bytes.slice(0, KEY_ID_BYTES), signature: bytes.slice(KEY_ID_BYTES) }
}

/** Undefined unless the whole of it is a signed note. */
const parseNote = (raw) => {
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

// ===== src/audit/checkpoint.ts

// Checkpoints (C2SP tlog-checkpoint): the signed head of the tree. Two signatures on one note, an Ed25519
// one over its text (type 0x01) and an ML-DSA-44 one over the statement of C2SP tlog-cosignature (type
// 0x06), which also says when. A checkpoint means nothing until a key that the reader brought verifies it.

const TEXT = /^(?<origin>[^\n]+)\n(?<size>0|[1-9]\d{0,15})\n(?<root>[^\n]+)\n(?:[^\n]+\n)*$/
const TIMESTAMP_BYTES = 8

/** The first three lines of a note's text; extension lines are passed over. */
const parseCheckpoint = (text) => {
  const { origin, size, root } = TEXT.exec(text)?.groups ?? {}
  const bytes = root === undefined ? undefined : decodeBase64(root)
  if (origin === undefined || bytes?.length !== HASH_BYTES) return undefined
  return Number.isSafeInteger(Number(size))
    ? { origin, size: Number(size), root: bytes }
    : undefined
}

const uint64 = (value) => {
  const bytes = new Uint8Array(8)
  new DataView(bytes.buffer).setBigUint64(0, BigInt(value))
  return bytes
}

const shortText = (text) => {
  const bytes = utf8.encode(text)
  return new Uint8Array([bytes.length, ...bytes])
}

/** `cosigned_message` of C2SP tlog-cosignature: what an ML-DSA-44 key signs. */
const cosignedMessage = (name, seconds, { origin, size, root }) =>
  Buffer.concat([
    utf8.encode('subtree/v1\n\0'),
    shortText(name),
    uint64(seconds),
    shortText(origin),
    uint64(0),
    uint64(size),
    root,
  ])

/** `cosignature/v1`: what an Ed25519 key of a witness signs. */
const cosignedText = (text, seconds) => utf8.encode(`cosignature/v1\ntime ${seconds}\n${text}`)

/** Has this key, of the log or of a witness, signed the note? */
const signatureBy = (key, { text, signatures }, checkpoint) => {
  const id = keyIdOf(key)
  const own = signatures.find(({ name, keyId }) => name === key.name && sameBytes(keyId, id))
  if (own === undefined) return 'not-signed'
  const { signature } = own
  if (key.type === SIGNATURE_TYPES.ed25519) {
    const isGood = verifySignature('ed25519', key.publicKey, utf8.encode(text), signature)
    return isGood ? {} : 'bad-signature'
  }
  const isClassical = key.type === COSIGNATURE_TYPES.ed25519
  if (!isClassical && key.type !== COSIGNATURE_TYPES['ml-dsa-44']) return 'unknown-key-type'
  if (signature.length <= TIMESTAMP_BYTES) return 'bad-signature'
  const signedAt = Number(Buffer.from(signature).readBigUInt64BE())
  const rest = signature.subarray(TIMESTAMP_BYTES)
  const isGood = isClassical
    ? verifySignature('ed25519', key.publicKey, cosignedText(text, signedAt), rest)
    : verifySignature(
        'ml-dsa-44',
        key.publicKey,
        cosignedMessage(key.name, signedAt, checkpoint),
        rest,
      )
  return Number.isSafeInteger(signedAt) && isGood ? { signedAt } : 'bad-signature'
}

/** The checkpoint, if every one of `keys` (at least one) has signed it; else what is wrong with it. */
const openCheckpoint = (raw, keys) => {
  const note = parseNote(raw)
  const checkpoint = note === undefined ? undefined : parseCheckpoint(note.text)
  if (note === undefined || checkpoint === undefined) return 'not-a-checkpoint'
  if (keys.length === 0) return 'not-signed'
  if (keys.some(({ name }) => name !== checkpoint.origin)) return 'another-log'
  let signedAt
  for (const key of keys) {
    const verdict = signatureBy(key, note, checkpoint)
    if (typeof verdict === 'string') return verdict
    signedAt ??= verdict.signedAt
  }
  return signedAt === undefined ? checkpoint : { ...checkpoint, signedAt }
}

// ===== src/audit/proof.ts

// Proofs as files that anybody's program can check: one entry is in the log (C2SP tlog-proof), and one
// checkpoint begins another (the body of C2SP tlog-witness's add-checkpoint).

const PROOF =
  /^c2sp\.org\/tlog-proof@v1\n(?:extra (?<extra>[^\n]*)\n)?index (?<index>0|[1-9]\d{0,15})\n(?<hashes>(?:[^\n]+\n)*)\n(?<checkpoint>[\s\S]+)$/
const CONSISTENCY =
  /^old (?<index>0|[1-9]\d{0,15})\n(?<hashes>(?:[^\n]+\n)*)\n(?<checkpoint>[\s\S]+)$/

const parseProof = (pattern, raw) => {
  const { index, hashes, checkpoint, extra } = pattern.exec(raw)?.groups ?? {}
  if (hashes === undefined || checkpoint === undefined) return undefined
  const lines = hashes === '' ? [] : hashes.slice(0, -1).split('\n')
  const decoded = lines.flatMap((line) => decodeBase64(line) ?? [])
  const isWhole = decoded.length === lines.length && decoded.every(({ length }) => length === 32)
  if (!isWhole) return undefined
  const brought = extra === undefined ? undefined : decodeBase64(extra)
  const proof = { index: Number(index), hashes: decoded, checkpoint }
  return brought === undefined ? proof : { ...proof, extra: brought }
}

const parseInclusion = (raw) => parseProof(PROOF, raw)

const parseConsistency = (raw) => parseProof(CONSISTENCY, raw)

// ===== src/audit/canonical.ts

// Reads an entry as everybody must read it: UTF-8, JSON, in the one spelling of RFC 8785. What has two spellings can
// say two things to two readers (a member twice, a number that rounds), so any other spelling is none.

/** Version of the entry's form. */
const ENTRY_VERSION = 1

const strict = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })

/** Undefined for bytes that are not UTF-8. A byte order mark is a character like others. */
const textIn = (bytes) => {
  try {
    return strict.decode(bytes)
  } catch {
    return undefined
  }
}

/** Members in code-unit order of their names, and no lone surrogates, all the way down. */
const isOrdered = (value) => {
  if (typeof value === 'string') return value.isWellFormed()
  if (Array.isArray(value)) return value.every(isOrdered)
  if (typeof value !== 'object' || value === null) return true
  let before
  for (const [name, member] of Object.entries(value)) {
    if (before !== undefined && name <= before) return false
    if (!name.isWellFormed() || !isOrdered(member)) return false
    before = name
  }
  return true
}

/** Undefined unless the text is an object in canonical form. */
const parseCanonical = (text) => {
  try {
    const value = JSON.parse(text)
    if (typeof value !== 'object' || value === null || Array.isArray(value)) return undefined
    return JSON.stringify(value) === text && isOrdered(value) ? value : undefined
  } catch {
    // Not JSON, or nested too deeply to be an entry.
    return undefined
  }
}

// ===== src/audit/findings.ts

// What a verification found: for each verdict, where it broke, how, and what would explain it.

const LISTED_MAX = 100

class Findings {
  #listed = []
  #notes = []
  #grave = []
  #unlistedNotes = 0
  #broken = new Set()
  #unlisted = 0

  notIntact(where, what, explainedBy) {
    this.#add({ verdict: 'intact', where, what, explainedBy })
  }

  notComplete(where, what, explainedBy) {
    this.#add({ verdict: 'complete', where, what, explainedBy })
  }

  missing(what, path) {
    this.notComplete(
      what,
      `${path} is missing or cut short`,
      'a copy that was not finished; fetch it again',
    )
  }

  alteredEntries(sequences) {
    for (const sequence of sequences) {
      this.notIntact(
        `entry ${sequence}`,
        'it is not the entry whose hash was published',
        'nothing legitimate: a published entry never changes',
      )
    }
  }

  note(text) {
    if (this.#notes.length < LISTED_MAX) this.#notes.push(text)
    else this.#unlistedNotes += 1
  }

  /** What no number of other facts may push out of sight. */
  graveNote(text) {
    if (this.#grave.length < LISTED_MAX) this.#grave.push(text)
    else this.#unlistedNotes += 1
  }

  report(head) {
    const isBelieved = head !== undefined
    return {
      isIntact: isBelieved && !this.#broken.has('intact'),
      isComplete: isBelieved && !this.#broken.has('complete'),
      findings: this.#listed,
      unlisted: this.#unlisted,
      notes: [...this.#grave, ...this.#notes, ...this.#moreNotes()],
      ...(head === undefined ? {} : { head }),
    }
  }

  #moreNotes() {
    return this.#unlistedNotes === 0 ? [] : [`and ${this.#unlistedNotes} more`]
  }

  #add(finding) {
    this.#broken.add(finding.verdict)
    if (this.#listed.length < LISTED_MAX) this.#listed.push(finding)
    else this.#unlisted += 1
  }
}

// ===== src/audit/rotation.ts

// New keys for a log, vouched for by the old ones: an entry names them, the old keys sign a checkpoint that covers the
// entry, and a C2SP tlog-proof of the two is published as `rotation/<number>`. Whoever pinned the old keys finds the new
// ones by it; keys that no such proof leads to, or that the log has taken out of use, sign nothing that is believed.

/** The actions that tell what became of the keys. */
const KEY_CREATED = 'log-key.created'
const KEY_ROTATED = 'log-key.rotated'
const KEY_RETIRED = 'log-key.retired'

/** Below the log's prefix; the first one is 1. */
const rotationPath = (number) => `rotation/${number}`

const keysNamedIn = (entry, origin) => {
  const told = parseCanonical(textIn(entry) ?? '') ?? {}
  if (told.action !== KEY_ROTATED || told.outcome !== 'done') return []
  return Object.entries(SIGNATURE_TYPES).flatMap(([algorithm, type]) => {
    const encoded = told.details?.[algorithm]
    const publicKey = typeof encoded === 'string' ? decodeBase64(encoded) : undefined
    return publicKey === undefined ? [] : [{ name: origin, type, publicKey }]
  })
}

/** Undefined unless all of `trusted` have signed a checkpoint that covers an entry which names new keys. */
const openRotation = (raw, trusted) => {
  const proof = parseInclusion(raw)
  if (proof?.extra === undefined) return undefined
  const head = openCheckpoint(proof.checkpoint, trusted)
  if (typeof head === 'string' || proof.index >= head.size) return undefined
  const root = rootFromInclusion(leafHash(proof.extra), proof.index, head.size, proof.hashes)
  if (root === undefined || !sameBytes(root, head.root)) return undefined
  const keys = keysNamedIn(proof.extra, head.origin)
  return keys.length === 0 ? undefined : { keys, note: proof.checkpoint }
}

/** From the keys that somebody brought to those that signed the note, along what is published. */
const followRotations = (read, brought, note) => {
  let followed = { keys: brought, epochs: [brought], vouchers: [] }
  for (let number = 1; openCheckpoint(note, followed.keys) === 'not-signed'; number++) {
    const name = rotationPath(number)
    const raw = read(name)
    if (raw === undefined) break
    const rotation = openRotation(textIn(raw) ?? '', followed.keys)
    if (rotation === undefined) continue
    followed = {
      keys: rotation.keys,
      epochs: [...followed.epochs, rotation.keys],
      vouchers: [...followed.vouchers, { name, note: rotation.note }],
    }
  }
  return followed
}

/** Do the keys that signed the newest checkpoint agree with what the log itself says of its keys? */
class KeyHistory {
  #signers
  #findings
  #announced = new Set()
  #retired = new Map()
  #isWhole = true

  constructor(signers, findings) {
    this.#signers = signers.map(({ publicKey }) => encodeBase64(publicKey))
    this.#findings = findings
  }

  /** Entries that are not there may have announced any key. */
  skip() {
    this.#isWhole = false
  }

  add(sequence, body) {
    // Canonical: the action comes first. Most entries are about something else.
    if (!body.startsWith('{"action":"log-key.')) return
    const { action, details = {} } = parseCanonical(body) ?? {}
    if (action === KEY_CREATED) this.#announced.add(details['publicKey'])
    for (const algorithm of Object.keys(SIGNATURE_TYPES)) {
      if (action === KEY_ROTATED) this.#announced.add(details[algorithm])
      if (action === KEY_RETIRED) this.#retired.set(details[algorithm], sequence)
    }
  }

  end() {
    const retiredAt = this.#signers.map((key) => this.#retired.get(key)).find(Boolean)
    if (retiredAt !== undefined) {
      this.#findings.notIntact(
        'the checkpoint',
        `it is signed by a key that entry ${retiredAt} took out of use`,
        'nothing legitimate: whoever signed it has an old key',
      )
    }
    const isKnown = this.#signers.every((key) => this.#announced.has(key))
    // A log that says nothing of its keys is not one of ours; then whoever pinned them knows why.
    if (isKnown || !this.#isWhole || this.#announced.size === 0) return
    this.#findings.notIntact(
      'the checkpoint',
      'it is signed by a key of which the log does not say where it comes from: a rotation that nobody recorded',
      'nothing legitimate: whoever signed it is not who signed before',
    )
  }
}

// ===== src/audit/story.ts

// Do the entries tell a whole story? Each start of a process counts its own entries from 1 without holes, its
// clock does not run backwards unseen, and no start follows another that never ended.

/** The one form in which entries say their time: text order is time order. */
const TIME = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/

const ORIGIN = /\/log(?:\/(?<number>[1-9]\d*))?$/

/** Is it an entry of the version that we know? */
const isTold = (told) => {
  const { v, counter, time, details } = told
  return (
    v === ENTRY_VERSION &&
    ['action', 'realm', 'node', 'boot'].every((name) => typeof told[name] === 'string') &&
    typeof counter === 'number' &&
    typeof time === 'string' &&
    TIME.test(time) &&
    !Number.isNaN(Date.parse(time)) &&
    typeof details === 'object' &&
    details !== null
  )
}

const parseTold = (body) => {
  const told = { details: {}, ...parseCanonical(body) }
  return isTold(told) ? told : undefined
}

class Story {
  #findings
  /** Last counter of each start. */
  #counters = new Map()
  #nodes = new Map()
  /** Every start of `serve` so far, and of each node the one whose end has not been told yet. */
  #starts = new Set()
  #open = new Map()
  /** Nodes that may have started in what a restore has taken out of the log: one time each. */
  #excused
  #realm
  #restores = 0
  #isWhole = true

  constructor(findings) {
    this.#findings = findings
  }

  /** Entries that are not there cannot be told from entries that were left out: said once, then not again. */
  skip(range) {
    this.#isWhole = false
    this.#findings.note(`counters and times were not followed across ${range}`)
    this.#counters.clear()
    this.#nodes.clear()
    this.#open.clear()
  }

  add(sequence, body) {
    const told = parseTold(body)
    if (told === undefined) {
      const what =
        'it is not the canonical form of an entry that says which node recorded it, when, as which of its entries'
      this.#findings.notComplete(`entry ${sequence}`, what, 'a newer realm than this verifier')
      return
    }
    this.#called(sequence, told)
    this.#count(sequence, `${told.node} ${told.boot}`, told.counter)
    const teller = this.#nodes.get(told.node) ?? { lastTime: '', doubt: undefined }
    this.#nodes.set(told.node, teller)
    this.#clock(sequence, told, teller)
    this.#life(sequence, told)
  }

  /** `origin` names the log: `…/log`, and after each restore that was accepted `…/log/2`, `…/log/3`. */
  end(origin) {
    const named = ORIGIN.exec(origin)
    const isLater = named?.groups?.['number'] !== undefined
    if (named !== null && isLater !== this.#restores > 0 && this.#isWhole) {
      this.#findings.notComplete(
        'the whole log',
        `it is called ${origin}, and its entries tell of ${this.#restores} restores`,
        'nothing legitimate: a log goes on under another name after a restore, and then only',
      )
    }
    for (const teller of this.#nodes.values()) this.#judgeClock(teller)
    for (const node of this.#open.keys()) this.#findings.note(`${node} was running at the end`)
  }

  #called(sequence, { realm }) {
    if (this.#realm !== undefined && this.#realm !== realm) {
      this.#findings.note(`entry ${sequence}: the realm is called ${realm}, before ${this.#realm}`)
    }
    this.#realm = realm
  }

  #count(sequence, name, counter) {
    const before = this.#counters.get(name) ?? (this.#isWhole ? 0 : counter - 1)
    this.#counters.set(name, counter)
    if (counter === before + 1) return
    this.#findings.notComplete(
      `entry ${sequence}`,
      `it is number ${counter} of ${name}, the one before it in the log is number ${before}`,
      counter > before
        ? 'nothing legitimate: entries of this start were left out before they were published'
        : 'nothing legitimate: entries were repeated or moved',
    )
  }

  /**
   * Times are RFC 3339 of one form, so that text order is time order. A realm whose clock went backwards says
   * so at the end of the transaction that noticed: at the same time, by the same start.
   */
  #clock(sequence, { action, boot, time }, teller) {
    const { doubt } = teller
    const moment = { boot, time }
    const isSame = doubt?.boot === moment.boot && doubt.time === moment.time
    if (action === 'clock.stepped-back') {
      this.#findings.note(`entry ${sequence}: the clock had been set back`)
      teller.doubt = undefined
    } else if (!isSame) this.#judgeClock(teller)
    if (moment.time < teller.lastTime && action !== 'clock.stepped-back') {
      teller.doubt = { ...moment, sequence, before: teller.lastTime }
    }
    teller.lastTime = moment.time
  }

  #judgeClock(teller) {
    const { doubt } = teller
    teller.doubt = undefined
    if (doubt === undefined) return
    this.#findings.notComplete(
      `entry ${doubt.sequence}`,
      `its time, ${doubt.time}, is before that of the entry before it, ${doubt.before}`,
      'an entry of the realm that says its clock was set back; there is none',
    )
  }

  #life(sequence, told) {
    const { action, node, boot } = told
    if (action === 'process.stopped' && this.#open.get(node) === boot) this.#open.delete(node)
    if (action === 'log.restored') {
      const text = `entry ${sequence}: somebody accepted a database put back from a copy`
      this.#findings.graveNote(text)
      this.#open.clear()
      this.#excused = new Set()
      this.#restores += 1
    }
    if (action !== 'process.started') return
    this.#judgeBefore(sequence, told)
    this.#open.set(node, boot)
    this.#starts.add(boot)
  }

  /** A start says which one came before it, and how that ended; a node's name may have changed between them. */
  #judgeBefore(sequence, { node, details }) {
    const { previousBoot, previousStop } = details
    if (typeof previousBoot === 'string') this.#judgeKnown(sequence, node, previousBoot)
    const openAt = [...this.#open].find(([, boot]) => boot === previousBoot)?.[0]
    if (openAt !== undefined && previousStop === 'unclean') {
      this.#findings.note(
        `entry ${sequence}: the start before it, ${previousBoot}, did not end cleanly`,
      )
      this.#open.delete(openAt)
    }
    const open = this.#open.get(node)
    if (open === undefined) return
    this.#findings.notComplete(
      `entry ${sequence}`,
      `the start before it, ${open}, never ended, and this one does not say that it was cut off`,
      'a state directory that was lost, or entries that were left out',
    )
  }

  #judgeKnown(sequence, node, previous) {
    if (this.#starts.has(previous) || !this.#isWhole) return
    const isExcused = this.#excused !== undefined && !this.#excused.has(node)
    this.#excused?.add(node)
    if (isExcused) return
    this.#findings.notComplete(
      `entry ${sequence}`,
      `the start before it, ${previous}, is not in the log: all of its entries are missing`,
      'a state directory of another realm, or entries that were left out',
    )
  }
}

// ===== src/audit/tiles.ts

// Tiles and entry bundles (C2SP tlog-tiles): where each hash of the tree stands, under which path, and how
// entries are packed. It reads no file and no database: whoever has the tiles hands them in.

const TILE_WIDTH = 256

/** `1234067` → `x001/x234/067`. */
const indexPath = (index) => {
  const groups = [String(index % 1000).padStart(3, '0')]
  for (let rest = Math.floor(index / 1000); rest > 0; rest = Math.floor(rest / 1000)) {
    groups.unshift(`x${String(rest % 1000).padStart(3, '0')}`)
  }
  return groups.join('/')
}

/** `tile/0/x001/x234/067.p/12`, below the log's prefix. */
const tilePath = ({ level, index, width }) =>
  `tile/${level}/${indexPath(index)}${width === TILE_WIDTH ? '' : `.p/${width}`}`

/** How many hashes the tree of `size` entries has at a level of tiles. */
const hashesAt = (level, size) => Math.floor(size / TILE_WIDTH ** level)

/** The width at `index` of the tree of `size` entries; 0 where there is no tile. */
const widthAt = (level, index, size) =>
  Math.max(0, Math.min(TILE_WIDTH, hashesAt(level, size) - index * TILE_WIDTH))

const hashAt = (hashes, index) => hashes.subarray(index * HASH_BYTES, (index + 1) * HASH_BYTES)

const perfectRoot = (hashes, start, count) =>
  count === 1
    ? hashAt(hashes, start)
    : nodeHash(
        perfectRoot(hashes, start, count / 2),
        perfectRoot(hashes, start + count / 2, count / 2),
      )

/** The roots of the perfect subtrees of a tile's hashes, the leftmost first. */
const peaksOf = (hashes) =>
  subtreesOf([0, hashes.length / HASH_BYTES]).map(({ level, index }) =>
    perfectRoot(hashes, index * 2 ** level, 2 ** level),
  )

/** The root over all hashes of a tile; of a full one it stands in the level above. */
const tileRoot = (hashes) => joinPeaks(peaksOf(hashes))

/** The entries of a bundle, or undefined if it does not end where an entry ends. */
const parseBundle = (bundle) => {
  const entries = []
  let at = 0
  while (at + 2 <= bundle.length) {
    const end = at + 2 + (bundle[at] ?? 0) * 256 + (bundle[at + 1] ?? 0)
    if (end > bundle.length) return undefined
    entries.push(bundle.subarray(at + 2, end))
    at = end
  }
  return at === bundle.length ? entries : undefined
}

// ===== src/audit/cosignature.ts

// Cosignatures (C2SP tlog-cosignature): a witness says that a checkpoint is consistent with all that it has seen of
// this log before, and when. Ed25519 ones are of type 0x04 over the note's text, ML-DSA-44 ones of type 0x06.

/** When the witness co-signed, in POSIX seconds; undefined if it did not, or not this. */
const cosignedAt = (key, note) => {
  const checkpoint = parseCheckpoint(note.text)
  if (checkpoint === undefined || key.name === checkpoint.origin) return undefined
  const found = signatureBy(key, note, checkpoint)
  return typeof found === 'string' ? undefined : found.signedAt
}

// ===== src/audit/vouched.ts

// What checkpoints say against each other, and who vouches for them: two of one size with different roots, and whether
// enough witnesses have co-signed one of them.

/** Two roots of one size: the log showed different people different histories. */
const judgeForks = (shown, findings) => {
  shown.forEach((one, index) => {
    const other = shown
      .slice(0, index)
      .find(({ size, root }) => size === one.size && !sameBytes(root, one.root))
    if (other === undefined) return
    findings.notIntact(
      `${other.name} and ${one.name}, both of size ${one.size}`,
      `they have different roots, ${encodeBase64(other.root)} and ${encodeBase64(one.root)}, and are signed by the same keys`,
      'nothing legitimate: keep both, together they prove that the log was forked',
    )
  })
}

/** Nobody outside has seen a tail for so many seconds; unless the auditor says how old the news may be. */
const UNWITNESSED_MAX = 3600

const vouchedBy = (shown, keys) => {
  const note = parseNote(shown.note)
  const times = new Map()
  for (const key of keys) {
    const at = note === undefined ? undefined : cosignedAt(key, note)
    if (at !== undefined) times.set(key.name, Math.max(at, times.get(key.name) ?? 0))
  }
  return { shown, times: [...times.values()].sort((a, b) => b - a) }
}

const judgeWitnesses = (shown, asked, findings) => {
  const { witnesses, age } = asked
  if (witnesses === undefined) return
  const { keys, quorum } = witnesses
  const all = shown.map((one) => vouchedBy(one, keys))
  const [best] = all
    .filter(({ times }) => times.length >= quorum)
    .toSorted((a, b) => b.shown.size - a.shown.size)
  if (best === undefined) {
    const most = Math.max(...all.map(({ times }) => times.length))
    findings.notComplete(
      'the witnesses',
      `no checkpoint here is co-signed by ${quorum} of them, at most by ${most}`,
      'witnesses that were not asked or did not answer; else what is shown here was not shown to them',
    )
    return
  }
  const { size = 0, signedAt = 0 } = shown[0] ?? {}
  const { nowSeconds, maxSeconds } = age ?? { nowSeconds: signedAt, maxSeconds: UNWITNESSED_MAX }
  const late = nowSeconds - (best.times[quorum - 1] ?? 0)
  if (late > maxSeconds) {
    findings.notComplete(
      `the end, after entry ${best.shown.size}`,
      `enough witnesses last co-signed ${late} seconds before ${age === undefined ? 'it was signed' : 'now'}`,
      'an old export; witnesses that do not answer, or that know a larger log than this one',
    )
  }
  if (best.shown.size < size) {
    findings.note(`entries after ${best.shown.size} are not witnessed yet`)
  }
}

// ===== src/audit/verify.ts

// The offline verifier: is the log intact, and is it complete? It trusts nothing but the keys and the older
// checkpoints that its user brought, reads files through one function, and keeps a few tiles in memory.

/** Beside the newest checkpoint: the newest that enough witnesses have co-signed. */
const WITNESSED = 'checkpoint.witnessed'

/** So many neighbouring tiles without a trace: what is left of a huge size is not looked for. */
const ABSENT_MAX = 1000
/** Clocks of the signer and of the auditor. */
const CLOCKS_APART_SECONDS = 300

/**
 * Where a partial tile has become a full one, the full one will do. `contentOf` is undefined for bytes that are not
 * exactly as wide as the path says.
 */
const readTile = (read, tile, contentOf) => {
  const widths = tile.width === TILE_WIDTH ? [TILE_WIDTH] : [tile.width, TILE_WIDTH]
  for (const width of widths) {
    const bytes = read(tilePath({ ...tile, width }))
    if (bytes !== undefined) return contentOf(bytes, width)
  }
  return undefined
}

const hashesIn = (bytes, width) => (bytes.length === width * HASH_BYTES ? bytes : undefined)

const readHashes = (read, level, index, width) =>
  readTile(read, { level, index, width }, hashesIn)?.subarray(0, width * HASH_BYTES)

const entriesIn = (bytes, width) => {
  const entries = parseBundle(bytes)
  return entries?.length === width ? entries : undefined
}

const readEntries = (read, index, width) =>
  readTile(read, { level: 'entries', index, width }, entriesIn)?.slice(0, width)

class Verification {
  #read
  #head
  #older
  #findings
  #story
  #keys
  /** By the tiles where there are tiles, else by the entries. */
  #tree = new Frontier()
  /** By the entries where there are entries; begun at the first difference. */
  #other
  /** Roots of full tiles, by the level they stand in, that were not held against that level yet. */
  #above = []
  #altered = []
  #different = new Set()
  #isWhole = true

  constructor(read, head, older, judges) {
    const { findings, keys } = judges
    this.#keys = keys
    this.#read = read
    this.#head = head
    this.#older = older.toSorted((a, b) => a.size - b.size)
    this.#findings = findings
    this.#story = new Story(findings)
  }

  run() {
    const { size } = this.#head
    let absent = 0
    for (let index = 0; index * TILE_WIDTH < size && absent < ABSENT_MAX; index++) {
      const width = widthAt(0, index, size)
      const leaves = this.#leavesOf(index, width)
      absent = leaves.byTile === undefined && leaves.byEntries === undefined ? absent + 1 : 0
      this.#holdAgainstOlder(index, leaves)
      this.#append(index, width, leaves)
    }
    for (let level = 1; level <= this.#above.length; level++) this.#compareLevel(level)
    this.#judgeRoot()
    this.#story.end(this.#head.origin)
    this.#keys.end()
  }

  #leavesOf(index, width) {
    const byTile = readHashes(this.#read, 0, index, width)
    const entries = readEntries(this.#read, index, width)
    const first = index * TILE_WIDTH
    const range = `entries ${first + 1} to ${first + width}`
    if (byTile === undefined)
      this.#findings.missing(`the hashes of ${range}`, tilePath({ level: 0, index, width }))
    if (entries === undefined) {
      this.#findings.missing(range, tilePath({ level: 'entries', index, width }))
      this.#story.skip(range)
      this.#keys.skip()
      return { byTile, byEntries: undefined }
    }
    for (const [at, entry] of entries.entries()) {
      const body = textIn(entry) ?? ''
      this.#story.add(first + at + 1, body)
      this.#keys.add(first + at + 1, body)
    }
    return { byTile, byEntries: entries.map(leafHash) }
  }

  /** Extends the trees; without any hash for a leaf neither can be whole any more. */
  #append(index, width, { byTile, byEntries }) {
    if (!this.#isWhole) return
    const hashes = []
    for (let at = 0; at < width; at++) {
      const told = byTile === undefined ? undefined : hashAt(byTile, at)
      const own = byEntries?.[at]
      const leaf = told ?? own
      if (leaf === undefined) {
        this.#isWhole = false
        return
      }
      if (told !== undefined && own !== undefined && !sameBytes(told, own)) {
        this.#altered.push(index * TILE_WIDTH + at + 1)
        this.#other ??= Frontier.of(this.#tree.size, this.#tree.peaks)
      }
      this.#tree.append(leaf)
      this.#other?.append(own ?? leaf)
      hashes.push(leaf)
      this.#holdAt(this.#tree.size)
    }
    if (width === TILE_WIDTH) this.#raise(1, tileRoot(Buffer.concat(hashes)))
  }

  #raise(level, root) {
    const row = this.#above[level - 1] ?? []
    this.#above[level - 1] = row
    row.push(root)
    if (row.length === TILE_WIDTH) this.#compareLevel(level)
  }

  /** Holds what the level below gives against the tile of this level. */
  #compareLevel(level) {
    const row = this.#above[level - 1] ?? []
    this.#above[level - 1] = []
    if (row.length === 0 || !this.#isWhole) return
    const count = hashesAt(level, this.#tree.size)
    const index = Math.ceil(count / TILE_WIDTH) - 1
    const width = widthAt(level, index, this.#head.size)
    const tile = readHashes(this.#read, level, index, width)
    const path = tilePath({ level, index, width })
    if (tile === undefined) this.#findings.missing('hashes of the tree', path)
    else
      row.forEach((hash, at) => {
        if (sameBytes(hash, hashAt(tile, at))) return
        this.#different.add(
          `${path} at ${at}, over ${tilePath({ level: level - 1, index: index * TILE_WIDTH + at, width: TILE_WIDTH })}`,
        )
      })
    if (row.length === TILE_WIDTH) this.#raise(level + 1, tileRoot(Buffer.concat(row)))
  }

  #holdAt(size) {
    if (!this.#isWhole) return
    for (const older of this.#older) {
      if (older.size !== size || sameBytes(this.#tree.root(), older.root)) continue
      this.#findings.notIntact(
        `${older.name}, of size ${size}`,
        'its tree is not the beginning of this one: somewhere up to there the log was rewritten',
        'nothing legitimate: both are signed, so these two checkpoints together prove it',
      )
    }
  }

  /** An older export shows which entry it was. */
  #holdAgainstOlder(index, { byTile, byEntries }) {
    for (const { name, size, read } of this.#older) {
      const width = widthAt(0, index, size)
      const before =
        read === undefined || width === 0 ? undefined : readHashes(read, 0, index, width)
      if (before === undefined) continue
      for (let at = 0; at < width; at++) {
        const now = byTile === undefined ? byEntries?.[at] : hashAt(byTile, at)
        if (now === undefined || now.length === 0 || sameBytes(now, hashAt(before, at))) continue
        this.#findings.notIntact(
          `entry ${index * TILE_WIDTH + at + 1}`,
          `it is not the one in ${name}`,
          'nothing legitimate: a published entry never changes',
        )
        return
      }
    }
  }

  #judgeRoot() {
    if (!this.#isWhole) {
      const what = 'it cannot be hashed again: entries are missing, and so are their hashes'
      this.#findings.notIntact('the tree', what, 'a copy that was not finished; fetch it again')
      return
    }
    const { root } = this.#head
    const isByTiles = sameBytes(this.#tree.root(), root)
    const isByEntries = this.#other !== undefined && sameBytes(this.#other.root(), root)
    if (isByTiles) this.#findings.alteredEntries(this.#altered)
    else if (isByEntries) {
      this.#findings.notIntact(
        `the hashes of ${this.#altered
          .map((sequence) => `entry ${sequence}`)
          .slice(0, 5)
          .join(', ')}`,
        'they are not those of the entries, which are as published',
        'a damaged copy of the tiles; fetch them again',
      )
    } else this.#rewritten()
    for (const where of this.#different) {
      this.#findings.notIntact(
        `tile ${where}`,
        'the two do not hash to each other',
        isByTiles
          ? 'a damaged copy of the upper tile; fetch it again'
          : 'one of the two was changed',
      )
    }
  }

  #rewritten() {
    this.#findings.notIntact(
      'the checkpoint',
      'the tree under it has another root: entries were changed, added, left out or moved',
      'nothing legitimate: what the log signed is not what it hands out',
    )
    this.#findings.alteredEntries(this.#altered)
  }
}

/** An older checkpoint is signed by the keys of its time. */
const openByAny = (note, epochs) => {
  const opened = epochs.map((keys) => openCheckpoint(note, keys))
  return opened.find((one) => typeof one !== 'string') ?? opened[0] ?? 'not-signed'
}

const openOlder = (older, head, epochs, findings) =>
  older.flatMap(({ name, note, read }) => {
    const opened = openByAny(note, epochs)
    if (typeof opened === 'string') {
      findings.notIntact(name, `it cannot be used: ${opened}`, 'the wrong file, or the wrong key')
      return []
    }
    if (opened.size > head.size) {
      findings.notComplete(
        `the end, after entry ${head.size}`,
        `${name} covers ${opened.size} entries: the last ${opened.size - head.size} are missing`,
        'an older export, or a database put back from a copy; only the missing entries can tell',
      )
    }
    return [{ ...opened, name, note, ...(read === undefined ? {} : { read }) }]
  })

const judgeAge = (head, { age }, findings) => {
  if (age === undefined) return
  const old = head.signedAt === undefined ? undefined : age.nowSeconds - head.signedAt
  if (old !== undefined && old < -CLOCKS_APART_SECONDS) {
    findings.notComplete(
      `the end, after entry ${head.size}`,
      `the newest checkpoint says that it is signed ${-old} seconds from now: nobody can tell how old it is`,
      'a clock that is wrong, there or here',
    )
    return
  }
  if (old !== undefined && old <= age.maxSeconds) return
  const seconds = old ?? 'an unknown number of'
  findings.notComplete(
    `the end, after entry ${head.size}`,
    `the newest checkpoint is ${seconds} seconds old: whatever came later is not shown`,
    'an old export; a realm that is locked, stopped or does not publish',
  )
}

/** Both verdicts, and for each failure what it is and what it would take to explain it. */
const verifyLog = (read, options) => {
  const findings = new Findings()
  const raw = read('checkpoint')
  if (raw === undefined) {
    findings.missing('the checkpoint', 'checkpoint')
    return findings.report()
  }
  const note = textIn(raw) ?? ''
  const { keys, epochs, vouchers } = followRotations(read, options.keys, note)
  const head = openCheckpoint(note, keys)
  if (typeof head === 'string') {
    const why =
      'the wrong key, a rotation of keys that nobody recorded, or a checkpoint that this log did not sign'
    findings.notIntact('the checkpoint', head, why)
    return findings.report()
  }
  if (options.older.length === 0 && options.witnesses === undefined && options.age === undefined) {
    const text =
      'with no older checkpoint, no witness and no greatest age to hold it against, a log cut at its end looks like this'
    findings.graveNote(text)
  }
  const witnessed = read(WITNESSED)
  const kept = [
    ...options.older,
    ...vouchers,
    ...(witnessed === undefined ? [] : [{ name: WITNESSED, note: textIn(witnessed) ?? '' }]),
  ]
  const older = openOlder(kept, head, epochs, findings)
  const shown = [{ ...head, name: 'the checkpoint', note }, ...older]
  judgeForks(shown, findings)
  judgeWitnesses(shown, options, findings)
  judgeAge(head, options, findings)
  const history = new KeyHistory(keys, findings)
  new Verification(read, head, older, { findings, keys: history }).run()
  return findings.report(head)
}

// ===== src/main/printable.ts

// What strangers wrote, for a terminal or a page: characters that move the cursor, hide text or turn its direction are
// spelt out, so that printed lines say what the bytes say. In JSON the spelling means the same.

/** Controls (C0, C1, DEL), line separators, and the bidirectional ones of Unicode UAX #9. */
const ACTING = /[\p{Cc}\p{Zl}\p{Zp}\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]/gu

const printable = (text) =>
  text.replaceAll(ACTING, (one) => `\\u${one.charCodeAt(0).toString(16).padStart(4, '0')}`)

// ===== src/main/verify-files.ts

// The verifier as a program: a directory in, two verdicts out. The same code is the command `keyrealm audit
// verify` and the single file that auditors take away (scripts/build-verifier.ts): files, no network, no database.

/** Bits of the exit code. */
const NOT_INTACT = 4
const NOT_COMPLETE = 8

/** Mistakes in use: the message says which. */
class UsageError extends Error {}

/** More than the largest bundle that tlog-tiles allows, and than any note or proof. */
const FILE_MAX_BYTES = 17 * 1024 * 1024

/** Undefined for what is not there, is no file (a pipe, a device), or is larger than anything of a log. */
const fileAt = (path) => {
  const found = statSync(path, { throwIfNoEntry: false })
  const isReadable = found?.isFile() === true && found.size <= FILE_MAX_BYTES
  return isReadable ? readFileSync(path) : undefined
}

const textOf = (path) => {
  const bytes = fileAt(path)
  const text = bytes === undefined ? undefined : textIn(bytes)
  if (text === undefined) throw new UsageError(`there is no ${path}, or it is not a text`)
  return text
}

const keyIn = (line) => {
  const key = parseVkey(line)
  if (key === undefined) throw new UsageError(`this is not a verifier key: ${line.slice(0, 80)}`)
  return key
}

/** A key that was typed is that key, whatever files are called like it. A file without any is a mistake. */
const keysOf = (given) => {
  const typed = parseVkey(given)
  if (typed !== undefined) return [typed]
  if (!existsSync(given)) return [keyIn(given)]
  const lines = textOf(given).split('\n')
  const keys = lines.filter((line) => line !== '').map(keyIn)
  if (keys.length === 0) throw new UsageError(`there is no key in ${given}`)
  return keys
}

const readKeys = (given) => {
  const keys = given.flatMap(keysOf)
  if (keys.length === 0) throw new UsageError('--key is needed: without it anybody’s log would do')
  return keys
}

const filesIn = (directory, onBytes) => {
  let total = 0
  return (path) => {
    const bytes = fileAt(join(directory, path))
    total += bytes?.length ?? 0
    onBytes?.(total)
    return bytes
  }
}

const olderLog = (given) =>
  existsSync(given) && statSync(given).isDirectory()
    ? { name: given, note: textOf(join(given, 'checkpoint')), read: filesIn(given) }
    : { name: given, note: textOf(given) }

const witnessPolicy = ({ witnesses, quorum }) => {
  const keys = witnesses.flatMap(keysOf)
  const names = new Set(keys.map(({ name }) => name)).size
  const enough = quorum ?? names
  if (enough > names || (enough === 0 && names > 0)) {
    throw new UsageError(`--quorum ${enough} of ${names} witnesses`)
  }
  return names === 0 ? undefined : { keys, quorum: enough }
}

const verifyDirectory = (request) => {
  const { directory, maxAgeSeconds, nowSeconds } = request
  const policy = witnessPolicy(request)
  if (!existsSync(directory)) throw new UsageError(`there is no ${directory}`)
  return verifyLog(filesIn(directory, request.onBytes), {
    keys: readKeys(request.keys),
    older: request.since.map(olderLog),
    ...(policy === undefined ? {} : { witnesses: policy }),
    ...(maxAgeSeconds === undefined ? {} : { age: { nowSeconds, maxSeconds: maxAgeSeconds } }),
  })
}

const exitCodeOf = ({ isIntact, isComplete }) =>
  (isIntact ? 0 : NOT_INTACT) + (isComplete ? 0 : NOT_COMPLETE)

/** Longer than anything that a finding must say. */
const LINE_MAX_CHARS = 600

const clipped = (text) =>
  printable(text.length <= LINE_MAX_CHARS ? text : `${text.slice(0, LINE_MAX_CHARS)}…`)

const timeOf = (seconds) => {
  const time = new Date(seconds * 1000)
  return Number.isNaN(time.getTime()) ? `${seconds} seconds after 1970` : time.toISOString()
}

const said = (isSo) => (isSo ? 'yes' : 'NO')

const reportLines = (report) => {
  const { head, findings, unlisted, notes } = report
  const signed = head?.signedAt === undefined ? '' : `, signed ${timeOf(head.signedAt)}`
  return [
    head === undefined
      ? 'no believable checkpoint'
      : `${head.origin}: ${head.size} entries${signed}`,
    ...findings.flatMap(({ verdict, where, what, explainedBy }) => [
      `not ${verdict}: ${where}: ${what}`,
      `  what would explain it: ${explainedBy}`,
    ]),
    ...(unlisted === 0 ? [] : [`and ${unlisted} more`]),
    ...notes.map((note) => `note: ${note}`),
    `intact: ${said(report.isIntact)}`,
    `complete: ${said(report.isComplete)}`,
  ].map(clipped)
}

/** Checks a proof file against the keys; the sentence to print, or undefined if it proves nothing. */
const checkProof = (raw, keys, old) => {
  const inclusion = parseInclusion(raw)
  if (inclusion !== undefined) {
    const head = openCheckpoint(inclusion.checkpoint, keys)
    if (typeof head === 'string' || inclusion.extra === undefined) return undefined
    if (inclusion.index >= head.size) return undefined
    const leaf = leafHash(inclusion.extra)
    const root = rootFromInclusion(leaf, inclusion.index, head.size, inclusion.hashes)
    const entry = textIn(inclusion.extra)
    if (root === undefined || !sameBytes(root, head.root) || entry === undefined) return undefined
    return `entry ${inclusion.index + 1} of ${printable(head.origin)}:\n${printable(entry)}`
  }
  const consistency = parseConsistency(raw)
  if (consistency === undefined || old === undefined) return undefined
  const [before, now] = [openCheckpoint(old, keys), openCheckpoint(consistency.checkpoint, keys)]
  if (typeof before === 'string' || typeof now === 'string') return undefined
  if (before.size !== consistency.index || !isConsistent(before, now, consistency.hashes)) {
    return undefined
  }
  return `the ${before.size} entries of then begin the ${now.size} of now`
}

// ===== scripts/verifier/main.ts

// What the stand-alone verifier does when it is started; everything else is the appliance's own code.

const USAGE = `usage:
  audit-verify.mjs <directory> --key <vkey or file>... [--since <checkpoint or directory>...] [--max-age <seconds>]
                   [--witness <vkey or file>... [--quorum <count>]]
  audit-verify.mjs --proof <file> --key <vkey or file>... [--since <checkpoint>]

The directory holds a log as C2SP tlog-tiles lays it out: an export, or a copy of what the realm serves below /log/.
Exit code: 0 intact and complete; 4 not intact; 8 not complete; 12 neither; 1 the proof proves nothing; 2 used wrongly.
`

const OPTIONS = {
  key: { type: 'string', multiple: true },
  since: { type: 'string', multiple: true },
  proof: { type: 'string' },
  witness: { type: 'string', multiple: true },
  quorum: { type: 'string' },
  'max-age': { type: 'string' },
}

const runProof = (file, keys, since) => {
  const old = since === undefined ? undefined : textOf(since)
  const proven = checkProof(textOf(file), readKeys(keys), old)
  process.stdout.write(`${proven ?? 'the proof proves nothing'}\n`)
  return proven === undefined ? 1 : 0
}

const run = (args) => {
  const { values, positionals } = parseArgs({
    args: [...args],
    options: OPTIONS,
    allowPositionals: true,
  })
  const { key = [], since = [], proof, witness = [], quorum } = values
  const [directory, ...others] = positionals
  const maxAge = values['max-age']
  if (proof !== undefined) {
    const isMore = [directory, maxAge, quorum, witness[0], since[1]].some(
      (one) => one !== undefined,
    )
    if (isMore) throw new UsageError(USAGE)
    return runProof(proof, key, since[0])
  }
  const areNumbers = [maxAge, quorum].every((one) => one === undefined || /^\d{1,12}$/.test(one))
  if (directory === undefined || others.length > 0 || !areNumbers) throw new UsageError(USAGE)
  const report = verifyDirectory({
    directory,
    keys: key,
    since,
    witnesses: witness,
    ...(quorum === undefined ? {} : { quorum: Number(quorum) }),
    nowSeconds: Math.floor(Date.now() / 1000),
    ...(maxAge === undefined ? {} : { maxAgeSeconds: Number(maxAge) }),
  })
  process.stdout.write(`${reportLines(report).join('\n')}\n`)
  return exitCodeOf(report)
}

try {
  process.exitCode = run(process.argv.slice(2))
} catch (error) {
  const isUsage = error instanceof UsageError || error instanceof TypeError
  process.stderr.write(`${isUsage ? error.message : String(error)}\n`)
  process.exitCode = 2
}
