import assert from 'node:assert/strict'
import { after, describe, it } from 'node:test'
import { inspect } from 'node:util'
import {
  createTokenWorkers,
  prepareTokenKey,
  SecretBytes,
  TOKEN_BYTES,
  TokenInputs,
  tokensOf,
} from '../../../src/crypto/index.ts'
import { Fault } from '../../../src/fault.ts'

const isFault = (code: string) => (error: unknown) => error instanceof Fault && error.code === code
const keyOf = (byte: number) => prepareTokenKey(SecretBytes.from(new Uint8Array(32).fill(byte)))

const many = (count: number, byte = 1): TokenInputs => {
  const inputs = new TokenInputs().under(keyOf(byte))
  for (let index = 0; index < count; index += 1) inputs.add(`word ${index}`)
  return inputs
}

describe('tokens', () => {
  it('are ten bytes for each input', () => {
    assert.equal(tokensOf(many(3)).length, 3 * TOKEN_BYTES)
    assert.equal(tokensOf(new TokenInputs()).length, 0)
  })

  it('need a key', () => {
    assert.throws(() => new TokenInputs().add('word'), isFault('crypto.token-key-missing'))
  })

  it('are refused under a key that was wiped', () => {
    const key = keyOf(1)
    const inputs = new TokenInputs().under(key)
    inputs.add('word')
    key.wipe()
    assert.throws(() => tokensOf(inputs), isFault('crypto.secret-wiped'))
  })

  it('leave the prepared key usable when the key itself is wiped', () => {
    const secret = SecretBytes.from(new Uint8Array(32).fill(1))
    const key = prepareTokenKey(secret)
    secret.wipe()
    const inputs = new TokenInputs().under(key)
    inputs.add('word 0')
    assert.deepEqual(tokensOf(inputs), tokensOf(many(1)))
  })

  it('show neither keys nor words when printed', () => {
    const inputs = many(1)
    for (const secret of [keyOf(1), inputs]) {
      assert.equal(String(secret), '[secret]')
      assert.throws(() => JSON.stringify(secret), isFault('crypto.secret-serialised'))
      assert.doesNotMatch(inspect(secret, { depth: 9, showHidden: true }), /word|Uint8Array\(64\)/)
    }
  })

  it('keep no word once wiped', () => {
    const inputs = many(50)
    const bytes = inputs.bytes
    inputs.wipe()
    assert.ok(bytes.every((byte) => byte === 0))
    assert.equal(inputs.count, 0)
  })
})

describe('token workers', () => {
  const workers = createTokenWorkers({ threads: 2 })
  after(() => workers.close())

  it('give the same tokens as the caller’s own thread, few and many', async () => {
    for (const count of [0, 1, 255, 256, 5000]) {
      assert.deepEqual(await workers.tokens(many(count)), tokensOf(many(count)))
    }
  })

  it('keep calls apart', async () => {
    const made = await Promise.all([1, 2, 3, 4, 5].map((byte) => workers.tokens(many(400, byte))))
    assert.deepEqual(
      made,
      [1, 2, 3, 4, 5].map((byte) => tokensOf(many(400, byte))),
    )
    assert.equal(workers.pending, 0)
  })

  it('wipe what they were given', async () => {
    const inputs = many(1000)
    const bytes = inputs.bytes
    await workers.tokens(inputs)
    assert.ok(bytes.every((byte) => byte === 0))
  })

  it('refuse more calls than may wait, and go on', async () => {
    const narrow = createTokenWorkers({ threads: 1, maxPending: 1 })
    const first = narrow.tokens(many(300))
    await assert.rejects(narrow.tokens(many(300)), isFault('crypto.tokens-overloaded'))
    assert.deepEqual(await first, tokensOf(many(300)))
    await narrow.close()
  })

  it('fail what is pending when they are closed, and what comes after', async () => {
    const closing = createTokenWorkers({ threads: 1 })
    const pending = assert.rejects(closing.tokens(many(5000)), isFault('crypto.tokens-closed'))
    await closing.close()
    await pending
    await assert.rejects(closing.tokens(many(1)), isFault('crypto.tokens-closed'))
  })
})
