import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import {
  chmodSync,
  chownSync,
  mkdirSync,
  mkdtempSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, describe, test } from 'node:test'
import { readSecret, secretPlace, writeSecretFile } from '../../../src/config/index.ts'

const folder = mkdtempSync(join(tmpdir(), 'keyrealm-secrets-'))
after(() => rmSync(folder, { recursive: true }))

const write = (name: string, text: string, mode = 0o600): string => {
  const file = join(folder, name)
  writeFileSync(file, text)
  chmodSync(file, mode)
  return file
}

const textOf = (bytes: Uint8Array): string => Buffer.from(bytes).toString()

describe('reading a secret file', () => {
  test('gives its bytes without one final line break', () => {
    assert.equal(textOf(readSecret({ file: write('a', 'hunter2\n') })), 'hunter2')
    assert.equal(textOf(readSecret({ file: write('b', 'hunter2\r\n') })), 'hunter2')
    assert.equal(textOf(readSecret({ file: write('c', 'hunter2\n\n') })), 'hunter2\n')
    assert.equal(textOf(readSecret({ file: write('d', 'hunter2\r') })), 'hunter2\r')
  })

  test('is refused when group or others have any right to it', () => {
    for (const mode of [0o640, 0o604, 0o620, 0o602, 0o610, 0o601]) {
      const file = write('open', 'hunter2', mode)
      assert.throws(() => readSecret({ file }), { code: 'config.secret-readable-by-others', file })
    }
  })

  test('is refused through a link to an open file', () => {
    write('target', 'hunter2', 0o644)
    const file = join(folder, 'link')
    symlinkSync(join(folder, 'target'), file)
    assert.throws(() => readSecret({ file }), { code: 'config.secret-readable-by-others' })
  })

  test('is refused when it belongs to somebody else, and not when it is root’s', () => {
    const file = write('owned', 'hunter2')
    const owner = statSync(file).uid
    const act = () => readSecret({ file }, { userId: owner + 1 })
    if (owner === 0) assert.equal(textOf(act()), 'hunter2')
    else assert.throws(act, { code: 'config.secret-of-another-user' })
  })

  test('of another ordinary user is refused', { skip: process.geteuid?.() !== 0 }, () => {
    const file = write('foreign', 'hunter2')
    chownSync(file, 12_345, 12_345)
    assert.throws(() => readSecret({ file }), { code: 'config.secret-of-another-user' })
  })

  test('is refused when missing, empty, too large or not a file', () => {
    const read = (file: string) => () => readSecret({ file })
    assert.throws(read(join(folder, 'none')), { code: 'config.secret-missing' })
    assert.throws(read(write('empty', '\n')), { code: 'config.secret-empty' })
    assert.throws(read(write('large', 'x'.repeat(65_537))), { code: 'config.secret-too-large' })
    assert.throws(read(folder), { code: 'config.secret-not-a-file' })
  })

  test('does not wait for ever on a named pipe', () => {
    const file = join(folder, 'pipe')
    execFileSync('mkfifo', ['-m', '600', file])
    assert.throws(() => readSecret({ file }), { code: 'config.secret-not-a-file' })
  })
})

describe('reading a systemd credential', () => {
  test('takes the file of its name from the folder that systemd names', () => {
    mkdirSync(join(folder, 'credentials'))
    // systemd's access list shows as the group-read bit.
    write('credentials/passphrase', 'hunter2', 0o440)
    const place = secretPlace({ CREDENTIALS_DIRECTORY: join(folder, 'credentials') })
    assert.equal(textOf(readSecret({ credential: 'passphrase' }, place)), 'hunter2')
  })

  test('is refused when everyone could read it', () => {
    write('credentials/open', 'hunter2', 0o444)
    const place = { credentialsDirectory: join(folder, 'credentials') }
    assert.throws(() => readSecret({ credential: 'open' }, place), {
      code: 'config.secret-readable-by-others',
    })
  })

  test('is refused when systemd handed over none', () => {
    assert.throws(() => readSecret({ credential: 'passphrase' }, secretPlace({})), {
      code: 'config.no-credentials',
    })
  })
})

describe('writing a secret file', () => {
  test('makes one that only its owner can read, and reads back', () => {
    const file = join(folder, 'new')
    writeSecretFile(file, Buffer.from('hunter2'))
    assert.equal(statSync(file).mode & 0o777, 0o600)
    assert.equal(textOf(readSecret({ file })), 'hunter2')
  })

  test('never overwrites', () => {
    const file = write('kept', 'hunter2')
    assert.throws(() => writeSecretFile(file, Buffer.from('x')), { code: 'EEXIST' })
    assert.equal(textOf(readSecret({ file })), 'hunter2')
  })
})
