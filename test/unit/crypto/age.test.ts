// Files for recovery recipients open with each of their keys and with no other, and only whole.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import {
  areAlike,
  generateRecoveryKey,
  isRecipient,
  openWithRecoveryKey,
  SecretBytes,
  sealForRecipients,
} from '../../../src/crypto/index.ts'

async function* once(bytes: Uint8Array) {
  yield bytes
}

const all = async (stream: AsyncIterable<Uint8Array>): Promise<Buffer> => {
  const chunks: Uint8Array[] = []
  for await (const chunk of stream) chunks.push(chunk)
  return Buffer.concat(chunks)
}

const text = Buffer.from('the whole realm '.repeat(10_000))
const [one, other, stranger] = await Promise.all([
  generateRecoveryKey('hybrid'),
  generateRecoveryKey('hybrid'),
  generateRecoveryKey('hybrid'),
])
const classical = await generateRecoveryKey('x25519')

test('each of several recipients opens it, a stranger does not', async () => {
  const sealed = await all(sealForRecipients([one.recipient, other.recipient], once(text)))
  for (const { identity } of [one, other]) {
    assert.deepEqual(await all(openWithRecoveryKey(identity, once(sealed))), text)
  }
  await assert.rejects(all(openWithRecoveryKey(stranger.identity, once(sealed))), {
    code: 'crypto.age-not-for-this-key',
  })
})

test('a key file as age-keygen writes it, with comments, opens too', async () => {
  const sealed = await all(sealForRecipients([classical.recipient], once(text)))
  const secret = new TextDecoder().decode(classical.identity.expose())
  const file = `# created: today\n# public key: ${classical.recipient}\n${secret}\n`
  const identity = SecretBytes.from(new TextEncoder().encode(file))
  assert.deepEqual(await all(openWithRecoveryKey(identity, once(sealed))), text)
})

test('post-quantum and classical recipients are not mixed, and nothing else is a recipient', async () => {
  assert.equal(areAlike([one.recipient, classical.recipient]), false)
  await assert.rejects(all(sealForRecipients([one.recipient, classical.recipient], once(text))), {
    code: 'crypto.recipients',
  })
  assert.equal(isRecipient(one.recipient), true)
  assert.equal(isRecipient(classical.recipient), true)
  const changed = `${classical.recipient.slice(0, -1)}q`
  for (const raw of [
    '',
    'age1',
    'AGE-SECRET-KEY-1',
    changed,
    `${one.recipient}q`,
    'ssh-ed25519 x',
  ]) {
    assert.equal(isRecipient(raw) && raw !== classical.recipient, false, raw)
  }
})

test('a key file that is none is refused without a word of it', async () => {
  const identity = SecretBytes.from(new TextEncoder().encode('AGE-SECRET-KEY-1NONSENSE'))
  const failure = await all(openWithRecoveryKey(identity, once(text))).catch((error) => error)
  assert.equal(failure.code, 'crypto.not-a-recovery-key')
  assert.equal(JSON.stringify([failure.message, String(failure.cause)]).includes('NONSENSE'), false)
})

test('what is no age file, or begins without end, is refused after a little of it', async () => {
  const { identity } = await generateRecoveryKey('x25519')
  const refusedAfter = async (intro: string, piece: string) => {
    let total = 0
    async function* endless() {
      for (let text = intro; ; text = piece) {
        total += text.length
        yield Buffer.from(text)
      }
    }
    const opening = openWithRecoveryKey(identity, endless()).next()
    const code = await opening.then(
      () => assert.fail('opened'),
      (error: unknown) => Object(error).code,
    )
    return { code, isEarly: total < 2 * 1024 * 1024 }
  }
  const zeros = '\0'.repeat(65_536)
  const stanza = `-> X25519 ${'A'.repeat(43)}\n${'B'.repeat(43)}\n`.repeat(500)
  const noFile = { code: 'crypto.not-an-age-file', isEarly: true }
  assert.deepEqual(await refusedAfter(zeros, zeros), noFile)
  assert.deepEqual(await refusedAfter('', zeros), noFile)
  const notOurs = { code: 'crypto.age-not-for-this-key', isEarly: true }
  assert.deepEqual(await refusedAfter('age-encryption.org/v1\n', stanza), notOurs)
})

test('a disk that cannot be read is not taken for a file that is no backup', async () => {
  const { identity } = await generateRecoveryKey('x25519')
  async function* failing() {
    yield Buffer.from('age-encryption.org/v1\n')
    throw Object.assign(new Error('EIO'), { code: 'EIO' })
  }
  await assert.rejects(openWithRecoveryKey(identity, failing()).next(), { code: 'EIO' })
})
