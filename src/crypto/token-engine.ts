// HMAC-SHA-256 (RFC 2104) cut to 80 bits, over many short inputs in one call: WebAssembly, four messages at once, built
// from scripts/wasm/. One engine for each thread. Nothing secret stays in its memory between two calls.

import { Fault } from '../fault.ts'
import { TOKEN_ENGINE_BASE64 } from './token-engine-wasm.ts'
import {
  BATCH_BYTES,
  BATCH_TOKENS,
  BLOCK_AT,
  DESCRIPTOR_BYTES,
  DESCRIPTORS_AT,
  INPUTS_AT,
  KEY_STATES_BYTES,
  KEYS_AT,
  LONGEST_INPUT_BYTES,
  PAGE_BYTES,
  SCRATCH_END,
  SLACK_BYTES,
  STATE_AT,
  TOKEN_BYTES,
  TOKENS_AT,
} from './token-memory.ts'

/** Inputs of many keys, as threads hand them over. */
export interface PackedTokens {
  /** The inputs, one after the other. */
  readonly bytes: Uint8Array<ArrayBuffer>
  /** Where each input ends. */
  readonly ends: Uint32Array<ArrayBuffer>
  /** The first input of each run of inputs under one key; begins with 0, grows. */
  readonly runs: Uint32Array<ArrayBuffer>
  /** `KEY_STATES_BYTES` for each run. */
  readonly keyStates: Uint8Array<ArrayBuffer>
}

interface Memory {
  readonly buffer: ArrayBuffer
  grow(pages: number): number
}

/** Node's own, as far as it is used here; the types of Node leave it to those of browsers. */
declare const WebAssembly: {
  readonly Module: new (bytes: Uint8Array) => object
  readonly Instance: new (module: object) => { readonly exports: object }
}

interface Engine {
  readonly memory: Memory
  begin(): void
  compress(): void
  tokens(descriptors: number, count: number, to: number): void
}

const LANE_BYTES = 4
const VECTOR_BYTES = 16
const BLOCK_BYTES = 64
const STATE_WORDS = 8
const INNER_PAD = 0x36
const OUTER_PAD = 0x5c

const isEngine = (exports: object): exports is Engine =>
  'memory' in exports && 'begin' in exports && 'compress' in exports && 'tokens' in exports

const start = (): Engine => {
  const module = new WebAssembly.Module(Buffer.from(TOKEN_ENGINE_BASE64, 'base64'))
  const { exports } = new WebAssembly.Instance(module)
  if (!isEngine(exports)) throw new Fault('crypto.token-engine-broken')
  return exports
}

let started: Engine | undefined

/** Compiled when the first key is prepared, in milliseconds, and kept. */
const engine = (): Engine => {
  started ??= start()
  return started
}

/** Writes one block for one lane, and reads one lane's state; the lanes of a word lie side by side. */
const putBlock = (memory: DataView, lane: number, block: Uint8Array): void => {
  const words = new DataView(block.buffer, block.byteOffset, BLOCK_BYTES)
  for (let at = 0; at < BLOCK_BYTES; at += 4) {
    memory.setUint32(
      BLOCK_AT + (at / 4) * VECTOR_BYTES + lane * LANE_BYTES,
      words.getUint32(at),
      true,
    )
  }
}

const copyState = (memory: DataView, lane: number, to: DataView, at: number): void => {
  for (let word = 0; word < STATE_WORDS; word += 1) {
    const value = memory.getUint32(STATE_AT + word * VECTOR_BYTES + lane * LANE_BYTES, true)
    to.setUint32(at + 4 * word, value, true)
  }
}

/** The two states that every HMAC under this key begins with. `key` is at most one block: longer ones are hashed first. */
export const hmacStates = (key: Uint8Array): Uint8Array<ArrayBuffer> => {
  if (key.length > BLOCK_BYTES) throw new Fault('crypto.token-key-too-long')
  const { memory, begin, compress } = engine()
  const view = new DataView(memory.buffer)
  const block = new Uint8Array(BLOCK_BYTES)
  for (const [lane, pad] of [INNER_PAD, OUTER_PAD].entries()) {
    block.fill(0).set(key)
    for (const [at, byte] of block.entries()) block[at] = byte ^ pad
    putBlock(view, lane, block)
  }
  block.fill(0)
  begin()
  compress()
  const states = new Uint8Array(KEY_STATES_BYTES)
  for (const lane of [0, 1]) {
    copyState(view, lane, new DataView(states.buffer), (lane * KEY_STATES_BYTES) / 2)
  }
  new Uint8Array(memory.buffer).fill(0, STATE_AT, SCRATCH_END)
  return states
}

/** The end of the batch that begins with input `first`: as many as fit, and one at least. */
const batchEnd = (ends: Uint32Array, first: number): number => {
  const start = first === 0 ? 0 : (ends[first - 1] ?? 0)
  const most = Math.min(ends.length, first + BATCH_TOKENS)
  let next = first + 1
  while (next < most && (ends[next] ?? 0) - start <= BATCH_BYTES) next += 1
  return next
}

const growFor = (memory: Memory, inputBytes: number): void => {
  const missing = INPUTS_AT + inputBytes + SLACK_BYTES - memory.buffer.byteLength
  if (missing > 0) memory.grow(Math.ceil(missing / PAGE_BYTES))
}

interface Batch {
  readonly first: number
  readonly next: number
  /** The run that the first input belongs to. */
  readonly run: number
}

/** Copies a batch into the engine's memory. Returns how many keys it has. */
const load = (memory: Memory, packed: PackedTokens, batch: Batch): number => {
  const { bytes, ends, runs, keyStates } = packed
  const from = batch.first === 0 ? 0 : (ends[batch.first - 1] ?? 0)
  const to = ends[batch.next - 1] ?? 0
  if (to - from > LONGEST_INPUT_BYTES) throw new Fault('crypto.token-input-too-long')
  growFor(memory, to - from)
  new Uint8Array(memory.buffer).set(bytes.subarray(from, to), INPUTS_AT)
  const descriptors = new Uint32Array(memory.buffer, DESCRIPTORS_AT)
  let { run } = batch
  let begin = from
  for (let index = batch.first; index < batch.next; index += 1) {
    while (run + 1 < runs.length && (runs[run + 1] ?? 0) <= index) run += 1
    const end = ends[index] ?? 0
    const at = (index - batch.first) * (DESCRIPTOR_BYTES / 4)
    descriptors[at] = KEYS_AT + (run - batch.run) * KEY_STATES_BYTES
    descriptors[at + 1] = INPUTS_AT + begin - from
    descriptors[at + 2] = end - begin
    begin = end
  }
  const states = keyStates.subarray(batch.run * KEY_STATES_BYTES, (run + 1) * KEY_STATES_BYTES)
  new Uint8Array(memory.buffer).set(states, KEYS_AT)
  return run - batch.run + 1
}

/** What a batch left behind that is secret: states of keys, words, blocks. Tokens are public. */
const clear = (memory: Memory, keys: number, inputBytes: number): void => {
  const all = new Uint8Array(memory.buffer)
  all.fill(0, STATE_AT, SCRATCH_END)
  all.fill(0, KEYS_AT, KEYS_AT + keys * KEY_STATES_BYTES)
  all.fill(0, INPUTS_AT, INPUTS_AT + inputBytes)
}

/**
 * `TOKEN_BYTES` for each input, in order. Throws a Fault `crypto.token-input-too-long` above 2^27 bytes. Runs without
 * inputs are not allowed: whoever packs leaves them out.
 */
export const packedTokens = (packed: PackedTokens): Uint8Array<ArrayBuffer> => {
  const { memory, tokens } = engine()
  const { ends, runs } = packed
  const all = new Uint8Array(ends.length * TOKEN_BYTES)
  let run = 0
  for (let first = 0; first < ends.length; ) {
    while (run + 1 < runs.length && (runs[run + 1] ?? 0) <= first) run += 1
    const next = batchEnd(ends, first)
    const keys = load(memory, packed, { first, next, run })
    tokens(DESCRIPTORS_AT, next - first, TOKENS_AT)
    const made = new Uint8Array(memory.buffer, TOKENS_AT, (next - first) * TOKEN_BYTES)
    all.set(made, first * TOKEN_BYTES)
    const from = first === 0 ? 0 : (ends[first - 1] ?? 0)
    clear(memory, keys, (ends[next - 1] ?? 0) - from)
    first = next
  }
  return all
}
