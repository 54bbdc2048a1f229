// Files that a person names on the command line may be anything: pipes and devices that never end, folders, files of
// gigabytes, noise. Each is refused at once, by name, with a code and without a word of what is in it.

import assert from 'node:assert/strict'
import { execFileSync, spawnSync } from 'node:child_process'
import { mkdirSync, openSync, symlinkSync, truncateSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { keyrealm, type MadeRealm, makeRealm } from '../support/made-realm.ts'
import { DOMAIN } from '../support/world.ts'

const ROOT = join(import.meta.dirname, '../..')
const SECRET = 'secret-canary-77'
let realm: MadeRealm
const hostile = new Map<string, string>()

before(async () => {
  realm = await makeRealm()
  const at = (name: string): string => {
    const file = realm.path(name)
    hostile.set(name, file)
    return file
  }
  at('missing')
  mkdirSync(at('folder'))
  symlinkSync('/dev/zero', at('device'))
  execFileSync('mkfifo', [at('pipe')])
  writeFileSync(at('huge'), '')
  truncateSync(realm.path('huge'), 5 * 1024 ** 3)
  writeFileSync(at('bytes'), Buffer.from([0xff, 0xfe, 0x7b]))
  writeFileSync(at('noise'), `not what it should be ${SECRET}`)
})
after(() => realm.remove())

/** `file` stands for the file that is named. */
const commands = (file: string): readonly (readonly string[])[] => {
  const { config, path, recoveryKey } = realm
  const at = ['--config', config]
  const sealed = ['--recovery-key', recoveryKey, '--realm', DOMAIN, '--to', path('to')]
  return [
    ['users', 'import', ...at, '--file', file],
    ['identity', 'import', ...at, '--key', path('id.key'), '--chain', file],
    ['audit', 'consistency', ...at, '--from', file],
    ['restore', path('id.pem'), ...sealed, '--store', file],
    ['restore', file, ...sealed],
    ['init', ...at, '--continue', '--link-chain', file],
    ['preflight', '--config', file],
    ['audit', 'reconcile', ...at, '--export', file],
  ]
}

/** One line with a code of ours, and below it advice or problems; nothing of a library, a stack or the content. */
const assertMannerly = (said: string, about: string): void => {
  assert.match(said, /^keyrealm: [^\n]+/, about)
  assert.match(said, /\([a-z]+\.[a-z-]+\)\n/, about)
  assert.doesNotMatch(said, /\bE[A-Z]{4,}\b|node:|\n {4}at |Error/, about)
  assert.ok(!said.includes(SECRET), about)
}

describe('whatever a command line names as a file', () => {
  for (const name of ['missing', 'folder', 'device', 'pipe', 'huge', 'bytes', 'noise']) {
    test(`${name}: is refused at once and in words`, { timeout: 60_000 }, async () => {
      for (const command of commands(hostile.get(name) ?? '')) {
        const about = `${name}: ${command.join(' ')}`
        const { code, out, error } = await keyrealm(...command)
        assert.ok(code === 1 || code === 78, `${about} ended with ${code}`)
        assert.equal(out, '', about)
        assertMannerly(error, about)
      }
    })
  }

  test('digests of a settings file are of a plain file', async () => {
    for (const name of ['missing', 'folder', 'device', 'pipe', 'huge']) {
      const file = hostile.get(name) ?? ''
      const { code, out, error } = await keyrealm('version', '--digests', '--config', file)
      assert.deepEqual([code, out], [1, ''], name)
      assertMannerly(error, name)
    }
  })
})

test('where what is said cannot be written the command ends with 1 and without a stack', () => {
  const full = openSync('/dev/full', 'w')
  const program = join(ROOT, 'scripts/keyrealm.mjs')
  const { status, stderr } = spawnSync(process.execPath, [program, 'config', 'schema'], {
    stdio: ['ignore', full, 'pipe'],
    encoding: 'utf8',
    timeout: 60_000,
  })
  assert.equal(status, 1)
  assert.match(stderr, /^keyrealm: [^\n]+ \(main\.output-lost\)\n$/)
})
