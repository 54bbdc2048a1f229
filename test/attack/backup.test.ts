// Backups under attack: cut off, changed by one bit, another realm's, opened with another key, on a full disk. Whatever
// happens there is a whole backup or none, a whole realm or none; and nothing secret stands in the clear.

import assert from 'node:assert/strict'
import {
  copyFileSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { loadSettings } from '../../src/config/index.ts'
import { aDisk, fill } from '../support/disk.ts'
import {
  CANARY,
  entriesOf,
  good,
  keyrealm,
  type MadeRealm,
  makeRealm,
  passphraseOf,
} from '../support/made-realm.ts'
import { DOMAIN, LEAF_KEY_PEM } from '../support/world.ts'

let realm: MadeRealm
let file: string
let report: { readonly sha256: string; readonly sizeBytes: number }

before(async () => {
  realm = await makeRealm()
  file = realm.path('backups/today.age')
  const wish = ['--out', file, '--recipient', realm.recipient, '--json']
  report = JSON.parse(await good('backup', '--config', realm.config, ...wish))
})
after(() => realm?.remove())

const restoreTo = (to: string, changes: Readonly<Record<string, string>> = {}) => {
  const options = { '--recovery-key': realm.recoveryKey, '--realm': DOMAIN, '--to': to, ...changes }
  return Object.entries(options).flat()
}

test('a backup is put back, its log goes on as another one, and the realm works', async () => {
  const to = realm.path('restored')
  const sha = ['--sha256', report.sha256]
  const told = JSON.parse(await good('restore', file, ...restoreTo(to), ...sha, '--json'))
  assert.equal(told.config, join(to, 'appliance.json'))
  assert.deepEqual(
    readdirSync(realm.folder).filter((name) => name.startsWith('.')),
    [],
  )
  assert.equal(existsSync(join(to, 'passphrase')), false, 'it never lies beside what it opens')
  assert.equal(readFileSync(join(to, 'files/core.keyFile'), 'utf8'), LEAF_KEY_PEM)

  copyFileSync(realm.path('passphrase'), join(to, 'passphrase'))
  const people = await good('users', 'list', '--config', told.config)
  assert.equal(people.trim().split('\n').length, 5)
  await good('init', '--config', told.config)
  const entries = await entriesOf(told.config)
  const restored = entries.find(({ action }) => action === 'log.restored')
  assert.equal(restored?.details.verdict, 'backup')
  assert.equal(restored?.details.backupSha256, report.sha256)
  assert.match(await good('audit', 'key', '--config', told.config), /\/log\/2\+/)
})

test('the log says that a backup was begun, and what it became', async () => {
  const entries = await realm.entries()
  const [begun, written] = ['backup.begun', 'backup.written'].map((wanted) =>
    entries.find(({ action }) => action === wanted),
  )
  assert.ok(Number(begun?.['sequence']) < Number(written?.['sequence']))
  assert.equal(Object(written?.['details']).sha256, report.sha256)
  assert.equal(written?.['sizeBytes'], report.sizeBytes)
})

test('nothing secret, and nothing else of the realm, is readable in the file', () => {
  const bytes = readFileSync(file, 'latin1')
  const key = LEAF_KEY_PEM.split('\n')[2] ?? ''
  const sealed = readFileSync(loadSettings(realm.config).unlock.sealedFile, 'latin1').slice(0, 40)
  for (const secret of [
    CANARY,
    passphraseOf(realm.config),
    key,
    sealed,
    DOMAIN,
    'Acme',
    'sqlite',
  ]) {
    assert.ok(secret.length > 3 && !bytes.includes(secret), secret)
  }
})

test('a rehearsal opens every key in a sandbox, reports to the log, and leaves nothing', async () => {
  const sandbox = realm.path('sandbox')
  const command = ['rehearse-restore', file, '--config', realm.config, '--sandbox', sandbox]
  const out = await good(...command, '--recovery-key', realm.recoveryKey, '--json')
  const rehearsal = JSON.parse(out)
  assert.equal(rehearsal.good, true)
  assert.ok(rehearsal.keys > 0)
  assert.equal(existsSync(sandbox), false)
  const entry = (await realm.entries()).findLast(({ action }) => action === 'restore.rehearsed')
  assert.equal(entry?.['outcome'], 'done')
  assert.equal(Object(entry?.['details']).backupSha256, report.sha256)

  const wrong = realm.path('wrong-passphrase')
  writeFileSync(wrong, 'not the passphrase', { mode: 0o600 })
  const failed = await keyrealm(
    ...command,
    ...['--recovery-key', realm.recoveryKey, '--passphrase-file', wrong],
  )
  assert.equal(failed.code, 1)
  assert.equal(existsSync(sandbox), false)
  const last = (await realm.entries()).findLast(({ action }) => action === 'restore.rehearsed')
  assert.equal(last?.['outcome'], 'failed')
  assert.equal(last?.['code'], 'kms.sealed-file-wrong-passphrase')
})

/** Each refused with its code, and nothing is made. */
const refused = async (
  backup: string,
  code: string,
  changes: Readonly<Record<string, string>> = {},
) => {
  const to = realm.path('never')
  const { code: exit, error } = await keyrealm('restore', backup, ...restoreTo(to, changes))
  assert.equal(exit, 1, backup)
  assert.match(error, new RegExp(`\\(${code}\\)`), error)
  assert.equal(existsSync(to), false)
  assert.deepEqual(
    readdirSync(realm.folder).filter((name) => name.startsWith('.')),
    [],
  )
}

test('a backup cut off anywhere is refused', async () => {
  const bytes = readFileSync(file)
  const cut = realm.path('cut.age')
  for (const length of [0, 10, 100, 1000, 65_536, bytes.length - 65_000, bytes.length - 1]) {
    writeFileSync(cut, bytes.subarray(0, length))
    await refused(cut, 'crypto\\.(?:not-an-age-file|age-not-for-this-key|age-damaged)')
  }
})

test('a backup with one bit changed is refused, wherever the bit is', async () => {
  const bytes = readFileSync(file)
  const flipped = realm.path('flipped.age')
  const step = Math.floor(bytes.length / 12)
  for (let at = 3; at < bytes.length; at += step) {
    const changed = Buffer.from(bytes)
    changed[at] = (changed[at] ?? 0) ^ (1 << (at % 8))
    writeFileSync(flipped, changed)
    await refused(flipped, 'crypto\\.(?:not-an-age-file|age-not-for-this-key|age-damaged)')
  }
})

test('a backup of another realm, with another digest, or for another key is refused', async () => {
  await refused(file, 'main.backup-of-another-realm', { '--realm': 'kms.globex.example' })
  await refused(file, 'main.backup-digest-differs', { '--sha256': '0'.repeat(64) })
  const other = realm.path('other.key')
  await good('recovery-key', '--out', other)
  await refused(file, 'crypto.age-not-for-this-key', { '--recovery-key': other })
  await refused(file, 'crypto.not-a-recovery-key', { '--recovery-key': realm.path('id.key') })
  await refused(file, 'main.not-empty', { '--to': realm.path('tls') })
  const tls = ['--to', realm.path('tls'), '--recovery-key', realm.recoveryKey, '--realm', DOMAIN]
  const { error } = await keyrealm('restore', file, ...tls)
  const wanted = `holds core-ca.pem, link.key, link.pem, and nothing is overwritten`
  assert.ok(error.includes(wanted) && error.includes(`mv ${realm.path('tls')} `), error)
})

test('nothing is overwritten, neither a backup nor a recovery key', async () => {
  const before = readFileSync(file)
  const again = ['--out', file, '--recipient', realm.recipient]
  const { code, error } = await keyrealm('backup', '--config', realm.config, ...again)
  assert.deepEqual({ code, isSaid: error.includes('main.file-exists') }, { code: 1, isSaid: true })
  assert.deepEqual(readFileSync(file), before)
  assert.equal((await keyrealm('recovery-key', '--out', realm.recoveryKey)).code, 1)
})

test('a recipient that is none, mixed kinds, or nobody is refused before anything is written', async () => {
  const classical = (
    await good('recovery-key', '--x25519', '--out', realm.path('classical.key'))
  ).trim()
  const out = realm.path('backups/unfit.age')
  const cases = [
    [['--recipient', 'age1nobody'], /main\.unfit-recipient/],
    [['--recipient', realm.recipient, classical], /main\.mixed-recipients/],
    [[], /main\.no-recipients/],
  ] as const
  for (const [options, wanted] of cases) {
    const { code, error } = await keyrealm(
      'backup',
      '--config',
      realm.config,
      '--out',
      out,
      ...options,
    )
    assert.equal(code, 1)
    assert.match(error, wanted)
  }
  assert.equal(existsSync(out), false)
})

test('a file that the settings name and that is gone stops the backup: it would not start', async () => {
  const broken = await makeRealm()
  writeFileSync(
    broken.config,
    readFileSync(broken.config, 'utf8').replace('tls/link.pem', 'tls/gone'),
  )
  const out = broken.path('backups/b.age')
  const wish = ['--out', out, '--recipient', broken.recipient]
  const { error } = await keyrealm('backup', '--config', broken.config, ...wish)
  assert.match(error, /core\.certificateFile .*\(main\.backup-incomplete\)/)
  assert.deepEqual(readdirSync(broken.path('backups')), [])
  broken.remove()
})

test('a full disk stops a backup and a restore, and nothing half done is left', async (t) => {
  const disk = aDisk(t, 2)
  if (disk === undefined) return t.skip('no tmpfs can be mounted here: nobody has filled a disk')
  mkdirSync(join(disk, 'room'))
  const free = fill(disk)
  const out = join(disk, 'room/full.age')
  const wish = ['--out', out, '--recipient', realm.recipient]
  const failed = await keyrealm('backup', '--config', realm.config, ...wish)
  assert.equal(failed.code, 1)
  assert.match(failed.error, /\(main\.disk-full\)/)
  assert.deepEqual(readdirSync(join(disk, 'room')), [])

  const to = join(disk, 'restored')
  const put = await keyrealm('restore', file, ...restoreTo(to))
  assert.match(put.error, /\(main\.disk-full\)/)
  assert.deepEqual(readdirSync(disk).toSorted(), ['filler', 'room'])
  free()
  await good('backup', '--config', realm.config, ...wish)
  const last = readFileSync(out)
  const again = fill(disk)
  const next = ['--out', join(disk, 'room/next.age'), '--recipient', realm.recipient]
  const failedAgain = await keyrealm('backup', '--config', realm.config, ...next)
  assert.match(failedAgain.error, /\(main\.disk-full\)/)
  assert.deepEqual(readdirSync(join(disk, 'room')), ['full.age'])
  assert.deepEqual(readFileSync(out), last, 'the last good one is what it was')
  again()
  await good('restore', out, ...restoreTo(to))
})
