// The source of `src/crypto/token-engine-wasm.ts`: SHA-256 (FIPS 180-4) over four independent messages at once, one in
// each 32-bit lane of a 128-bit vector, and HMAC (RFC 2104) from prepared states on top of it. TypeScript unrolls the
// rounds and writes WebAssembly text; wabt turns the text into bytes, instruction by instruction, and optimises
// nothing. Layout of the memory: `src/crypto/token-memory.ts`.

import {
  BEFORE_AT,
  BLOCK_AT,
  DESCRIPTOR_BYTES,
  FIRST_PAGES,
  ROUND_CONSTANTS_AT,
  STATE_AT,
  TOKEN_BYTES,
} from '../../src/crypto/token-memory.ts'

const LANES = [0, 1, 2, 3] as const
const WORDS = Array.from({ length: 16 }, (_, index) => index)
const STATE = Array.from({ length: 8 }, (_, index) => index)

/** The first 32 bits of the fractional parts of the cube (square) roots of the first primes: FIPS 180-4 §4.2.2, §5.3.3. */
const primes = (count: number): number[] => {
  const found: number[] = []
  for (let next = 2; found.length < count; next += 1) {
    if (found.every((prime) => next % prime !== 0)) found.push(next)
  }
  return found
}
const integerRoot = (value: bigint, degree: bigint): bigint => {
  let low = 0n
  let high = value
  while (low < high) {
    const middle = (low + high + 1n) / 2n
    if (middle ** degree <= value) low = middle
    else high = middle - 1n
  }
  return low
}
const fractionOfRoot = (prime: number, degree: bigint): number =>
  Number(integerRoot(BigInt(prime) << (32n * degree), degree) & 0xffffffffn)

export const ROUND_CONSTANTS = primes(64).map((prime) => fractionOfRoot(prime, 3n))
export const FIRST_STATE = primes(8).map((prime) => fractionOfRoot(prime, 2n))

const splat = (word: number): string =>
  `(v128.const i32x4 ${LANES.map(() => `0x${word.toString(16)}`).join(' ')})`
const get = (name: string): string => `(local.get $${name})`
const set = (name: string, value: string): string => `(local.set $${name} ${value})`
const add = (...terms: readonly string[]): string =>
  terms.reduce((sum, term) => `(i32x4.add ${sum} ${term})`)
const xor = (...terms: readonly string[]): string =>
  terms.reduce((sum, term) => `(v128.xor ${sum} ${term})`)
const and = (one: string, other: string): string => `(v128.and ${one} ${other})`
const shift = (value: string, by: number): string => `(i32x4.shr_u ${value} (i32.const ${by}))`
const rotate = (value: string, by: number): string =>
  `(v128.or ${shift(value, by)} (i32x4.shl ${value} (i32.const ${32 - by})))`
/** Picks 32-bit words: 0 to 3 of `one`, 4 to 7 of `other`. */
const pick = (one: string, other: string, words: readonly number[]): string => {
  const bytes = words.flatMap((word) => LANES.map((byte) => 4 * word + byte))
  return `(i8x16.shuffle ${bytes.join(' ')} ${one} ${other})`
}
/** SHA-256 is big-endian, WebAssembly is not. */
const swapBytes = (value: string): string => {
  const bytes = LANES.flatMap((word) => LANES.map((byte) => 4 * word + 3 - byte))
  return `(i8x16.shuffle ${bytes.join(' ')} ${value} ${value})`
}
const load = (at: number): string => `(v128.load offset=${at} (i32.const 0))`
const store = (at: number, value: string): string =>
  `(v128.store offset=${at} (i32.const 0) ${value})`
const locals = (type: string, names: readonly string[]): string =>
  names.map((name) => `(local $${name} ${type})`).join(' ')

const rotatedXor = (value: string, [one, two, three]: readonly [number, number, number]): string =>
  xor(rotate(value, one), rotate(value, two), rotate(value, three))
const smallSigma = (value: string, [one, two, by]: readonly [number, number, number]): string =>
  xor(rotate(value, one), rotate(value, two), shift(value, by))

/** The eight working variables change their names instead of their places: what is `a` now is `b` in the next round. */
const nameOf = (place: number, round: number): string => `s${(place - (round % 8) + 8) % 8}`

/** FIPS 180-4 §6.2.2 step 1; sixteen words are enough, each replaced when nobody needs it any more. */
const schedule = (round: number): string => {
  if (round < WORDS.length) return ''
  const word = (back: number): string => get(`w${(round - back) % WORDS.length}`)
  const sigma0 = smallSigma(word(15), [7, 18, 3])
  const sigma1 = smallSigma(word(2), [17, 19, 10])
  return set(`w${round % WORDS.length}`, add(word(16), sigma0, word(7), sigma1))
}

/** FIPS 180-4 §6.2.2 step 3; Ch and Maj in their forms with the fewest operations. */
const round = (index: number): string => {
  const at = (place: number): string => get(nameOf(place, index))
  const [a, b, c, d, e, f, g, h] = [at(0), at(1), at(2), at(3), at(4), at(5), at(6), at(7)]
  const constant = `(v128.load32_splat offset=${ROUND_CONSTANTS_AT + 4 * index} (i32.const 0))`
  const choice = xor(and(xor(f, g), e), g)
  const majority = xor(and(xor(a, b), xor(b, c)), b)
  const word = get(`w${index % WORDS.length}`)
  return [
    schedule(index),
    set('t', add(h, word, constant, choice, rotatedXor(e, [6, 11, 25]))),
    set(nameOf(3, index), add(d, get('t'))),
    set(nameOf(7, index), add(get('t'), majority, rotatedXor(a, [2, 13, 22]))),
  ].join('\n')
}

/** The state and the block in memory become the next state in memory. */
const compress = (): string => `
(func $compress (export "compress")
  ${locals('v128', ['t', ...WORDS.map((word) => `w${word}`), ...STATE.map((word) => `s${word}`)])}
  ${WORDS.map((word) => set(`w${word}`, load(BLOCK_AT + 16 * word))).join('\n')}
  ${STATE.map((word) => set(`s${word}`, load(STATE_AT + 16 * word))).join('\n')}
  ${ROUND_CONSTANTS.map((_, index) => round(index)).join('\n')}
  ${STATE.map((word) => store(STATE_AT + 16 * word, add(load(STATE_AT + 16 * word), get(`s${word}`)))).join('\n')}
)`

/** The state that every SHA-256 begins with (FIPS 180-4 §5.3.3), in all lanes. */
const begin = (): string => `
(func (export "begin")
  ${FIRST_STATE.map((word, index) => store(STATE_AT + 16 * index, splat(word))).join('\n')}
)`

/** Four rows of four words, one a message, become four columns, one a word; stored one after the other. */
const transpose = (): string => `
(func $transpose (param $to i32) (param $r0 v128) (param $r1 v128) (param $r2 v128) (param $r3 v128)
  ${locals('v128', ['low01', 'high01', 'low23', 'high23'])}
  ${set('low01', pick(get('r0'), get('r1'), [0, 4, 1, 5]))}
  ${set('low23', pick(get('r2'), get('r3'), [0, 4, 1, 5]))}
  ${set('high01', pick(get('r0'), get('r1'), [2, 6, 3, 7]))}
  ${set('high23', pick(get('r2'), get('r3'), [2, 6, 3, 7]))}
  (v128.store ${get('to')} ${pick(get('low01'), get('low23'), [0, 1, 4, 5])})
  (v128.store offset=16 ${get('to')} ${pick(get('low01'), get('low23'), [2, 3, 6, 7])})
  (v128.store offset=32 ${get('to')} ${pick(get('high01'), get('high23'), [0, 1, 4, 5])})
  (v128.store offset=48 ${get('to')} ${pick(get('high01'), get('high23'), [2, 3, 6, 7])})
)`

/**
 * Sixteen bytes of a padded message (FIPS 180-4 §5.1.1, without the length): `left` bytes of it are from `at` on. What
 * is beyond becomes 0x80 and zeros, whatever lies there.
 */
const piece = (): string => `
(func $piece (param $at i32) (param $left i32) (result v128)
  ${locals('v128', ['places', 'end'])}
  ${set('places', `(v128.const i8x16 ${WORDS.join(' ')})`)}
  (if (i32.gt_s ${get('left')} (i32.const 16)) (then ${set('left', '(i32.const 16)')}))
  (if (i32.le_s ${get('left')} (i32.const 0)) (then ${set('at', '(i32.const 0)')}))
  (if (i32.lt_s ${get('left')} (i32.const 0)) (then ${set('left', '(i32.const -1)')}))
  ${set('end', `(i8x16.splat ${get('left')})`)}
  ${swapBytes(`(v128.or
    ${and(`(v128.load align=1 ${get('at')})`, `(i8x16.lt_s ${get('places')} ${get('end')})`)}
    ${and(`(i8x16.eq ${get('places')} ${get('end')})`, `(i8x16.splat (i32.const 0x80))`)})`)}
)`

const lanes = (value: (lane: number) => string): string =>
  LANES.reduce((vector, lane) => `(i32x4.replace_lane ${lane} ${vector} ${value(lane)})`, splat(0))

/** The inner (0) or outer (32) state of each message's key becomes the state. */
const loadStates = (offset: number): string =>
  [0, 16]
    .map((half) => {
      const rows = LANES.map((lane) => `(v128.load offset=${offset + half} ${get(`key${lane}`)})`)
      return `(call $transpose (i32.const ${STATE_AT + 4 * half}) ${rows.join(' ')})`
    })
    .join('\n')

const quarter = (index: number): string => {
  const offset = `(i32.add ${get('offset')} (i32.const ${16 * index}))`
  const rows = LANES.map(
    (lane) => `(call $piece
      (i32.add ${get(`start${lane}`)} ${offset}) (i32.sub ${get(`length${lane}`)} ${offset}))`,
  )
  return `(call $transpose (i32.const ${BLOCK_AT + 64 * index}) ${rows.join(' ')})`
}

/** The last block of a message ends with its length in bits, the inner pad's 64 bytes included. */
const putLengths = (): string => {
  const at = BLOCK_AT + 16 * 15
  const isLast = (lane: number): string =>
    `(i32.eq ${get('offset')} (i32.and (i32.add ${get(`length${lane}`)} (i32.const 8)) (i32.const -64)))`
  const bits = (lane: number): string =>
    `(select (i32.shl (i32.add ${get(`length${lane}`)} (i32.const 64)) (i32.const 3)) (i32.const 0) ${isLast(lane)})`
  return store(at, `(v128.or ${load(at)} ${lanes(bits)})`)
}

/** Messages that ended in an earlier block keep the state they had. */
const keepEnded = (): string => {
  const hasBlock = (lane: number): string =>
    `(i32.sub (i32.const 0) (i32.le_s ${get('offset')} (i32.add ${get(`length${lane}`)} (i32.const 8))))`
  return [
    set('open', lanes(hasBlock)),
    ...STATE.map((word) =>
      store(
        STATE_AT + 16 * word,
        `(v128.bitselect ${load(STATE_AT + 16 * word)} ${load(BEFORE_AT + 16 * word)} ${get('open')})`,
      ),
    ),
  ].join('\n')
}

/** What the inner hash gave, padded, is the one block of the outer hash. */
const outerBlock = (): string =>
  WORDS.map((word) => {
    const rest = word === 8 ? 0x80000000 : word === 15 ? 8 * (64 + 32) : 0
    return store(BLOCK_AT + 16 * word, word < 8 ? load(STATE_AT + 16 * word) : splat(rest))
  }).join('\n')

const describe = (lane: number): string => `
  ${set('descriptor', `(i32.add ${get('group')} (i32.const ${lane * DESCRIPTOR_BYTES}))`)}
  (if (i32.gt_u ${get('descriptor')} ${get('last')}) (then ${set('descriptor', get('last'))}))
  ${set(`key${lane}`, `(i32.load ${get('descriptor')})`)}
  ${set(`start${lane}`, `(i32.load offset=4 ${get('descriptor')})`)}
  ${set(`length${lane}`, `(i32.load offset=8 ${get('descriptor')})`)}
  (if (i32.gt_s ${get(`length${lane}`)} ${get('longest')})
    (then ${set('longest', get(`length${lane}`))}))`

/** A token is the first 80 bits: two words, and the first half of the third. */
const putToken = (lane: number): string => {
  const word = (index: number): string => `(i32x4.extract_lane ${lane} ${get(`token${index}`)})`
  return `(if (i32.lt_u ${get('to')} ${get('end')}) (then
    (i32.store align=1 ${get('to')} ${word(0)})
    (i32.store offset=4 align=1 ${get('to')} ${word(1)})
    (i32.store16 offset=8 align=1 ${get('to')} ${word(2)})
    ${set('to', `(i32.add ${get('to')} (i32.const ${TOKEN_BYTES}))`)}))`
}

/** HMAC of `count` (at least 1) messages from their descriptors, four at a time; the last four may be fewer. */
const tokens = (): string => `
(func (export "tokens") (param $group i32) (param $count i32) (param $to i32)
  ${locals('i32', ['last', 'end', 'descriptor', 'longest', 'offset'])}
  ${locals(
    'i32',
    ['key', 'start', 'length'].flatMap((name) => LANES.map((lane) => name + lane)),
  )}
  ${locals('v128', ['open', 'token0', 'token1', 'token2'])}
  ${set('end', `(i32.add ${get('to')} (i32.mul ${get('count')} (i32.const ${TOKEN_BYTES})))`)}
  ${set('last', `(i32.add ${get('group')} (i32.mul (i32.sub ${get('count')} (i32.const 1)) (i32.const ${DESCRIPTOR_BYTES})))`)}
  (loop $groups
    ${set('longest', '(i32.const 0)')}
    ${LANES.map(describe).join('\n')}
    ${loadStates(0)}
    ${set('offset', '(i32.const 0)')}
    (loop $blocks
      (memory.copy (i32.const ${BEFORE_AT}) (i32.const ${STATE_AT}) (i32.const 128))
      ${LANES.map(quarter).join('\n')}
      ${putLengths()}
      (call $compress)
      ${keepEnded()}
      ${set('offset', `(i32.add ${get('offset')} (i32.const 64))`)}
      (br_if $blocks (i32.le_s ${get('offset')} (i32.add ${get('longest')} (i32.const 8))))
    )
    ${outerBlock()}
    ${loadStates(32)}
    (call $compress)
    ${[0, 1, 2].map((word) => set(`token${word}`, swapBytes(load(STATE_AT + 16 * word)))).join('\n')}
    ${LANES.map(putToken).join('\n')}
    ${set('group', `(i32.add ${get('group')} (i32.const ${4 * DESCRIPTOR_BYTES}))`)}
    (br_if $groups (i32.le_u ${get('group')} ${get('last')}))
  )
)`

const bytesOf = (words: readonly number[]): string =>
  words
    .flatMap((word) => LANES.map((byte) => (word >>> (8 * byte)) & 0xff))
    .map((byte) => `\\${byte.toString(16).padStart(2, '0')}`)
    .join('')

/** The engine in WebAssembly text. */
export const tokenEngineText = (): string => `(module
(memory (export "memory") ${FIRST_PAGES})
(data (i32.const ${ROUND_CONSTANTS_AT}) "${bytesOf(ROUND_CONSTANTS)}")
${begin()}
${compress()}
${transpose()}
${piece()}
${tokens()}
)`
