// Backups that are whole and were not written by the realm: whoever has the recovery key, and not the passphrase, can
// open one, change it and seal it again. What they cannot do: give a restored realm secrets of theirs, pass one realm
// off as another, or change the log without its being said.

import assert from 'node:assert/strict'
import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { dirname, join } from 'node:path'
import { after, before, test } from 'node:test'
import { generateKeyPem, issueCertificate } from '../../scripts/dev/certs/issue.ts'
import type { Row, Table } from '../../src/backup/index.ts'
import { type Forgery, forgeBackup } from '../support/forged-backup.ts'
import { good, keyrealm, type MadeRealm, makeRealm } from '../support/made-realm.ts'
import { DOMAIN } from '../support/world.ts'

let realm: MadeRealm
let file: string

before(async () => {
  realm = await makeRealm()
  // Publishes what was recorded.
  await good('init', '--config', realm.config)
  file = realm.path('backups/true.age')
  await good('backup', '--config', realm.config, '--out', file, '--recipient', realm.recipient)
})
after(() => realm?.remove())

let count = 0
const forged = async (forgery: Forgery): Promise<string> => {
  count += 1
  const out = realm.path(`backups/forged-${count}.age`)
  await forgeBackup(realm, file, out, forgery)
  return out
}

const restore = (backup: string, to: string) =>
  keyrealm(
    ...['restore', backup, '--recovery-key', realm.recoveryKey, '--realm', DOMAIN],
    ...['--to', to, '--json'],
  )

const refused = async (forgery: Forgery, wanted: RegExp): Promise<void> => {
  const to = realm.path('never')
  const { code, error } = await restore(await forged(forgery), to)
  assert.equal(code, 1)
  assert.match(error, wanted)
  assert.equal(existsSync(to), false)
}

const rehearse = async (backup: string) => {
  const sandbox = realm.path('sandbox')
  const options = ['--config', realm.config, '--recovery-key', realm.recoveryKey]
  const { out } = await keyrealm(
    'rehearse-restore',
    backup,
    ...options,
    '--sandbox',
    sandbox,
    '--json',
  )
  return JSON.parse(out)
}

const UNFIT = /\(main\.backup-unfit\)/

test('the same with nothing changed is put back: what follows is refused for its change', async () => {
  const same = await forged({})
  const told = JSON.parse((await restore(same, realm.path('same'))).out)
  assert.equal(told.logEntries, 'whole')
  assert.equal(told.logSignature, 'not verified')
  assert.equal((await rehearse(same)).good, true)
})

test('no admin token, passphrase or database is planted, and no file twice', async () => {
  const content = 'known to the attacker'
  const state = { setting: 'realm.stateDirectory', inFolder: 'admin.token', content }
  await refused({ files: [state] }, UNFIT)
  await refused({ files: [{ setting: 'unlock.passphrase.file', content }] }, UNFIT)
  await refused({ files: [{ setting: 'store.file', content }] }, UNFIT)
  await refused({ files: [{ setting: 'nothing.of.these.settings', content }] }, UNFIT)
  await refused({ files: [{ setting: 'core.keyFile', content }] }, UNFIT)
})

test('settings of another realm are not taken for this one’s, whatever the first page says', async () => {
  const settings = (text: string) => text.replace(`"${DOMAIN}"`, '"kms.evil.example"')
  await refused({ settings }, /kms\.evil\.example.*\(main\.backup-of-another-realm\)/)
})

const inLog =
  (change: (rows: readonly Row[], body: number) => readonly Row[]) =>
  ({ name, columns }: Table, rows: readonly Row[]): readonly Row[] =>
    name === 'audit_entries'
      ? change(
          rows,
          columns.findIndex((column) => column.name === 'body'),
        )
      : rows

test('an entry of the log that was changed is seen, by the rehearsal and by the restore', async () => {
  const rows = inLog((all, body) =>
    all.map((row) =>
      row.map((value, at) =>
        at === body ? String(value).replace('"realm.initialized"', '"realm.innocent"') : value,
      ),
    ),
  )
  const backup = await forged({ rows })
  const rehearsal = await rehearse(backup)
  assert.deepEqual([rehearsal.logWhole, rehearsal.good], [false, false])
  const to = realm.path('altered')
  assert.equal(JSON.parse((await restore(backup, to)).out).logEntries, 'altered')
  // Whoever reads that log is told as well.
  const config = join(to, 'appliance.json')
  const shown = await keyrealm('audit', 'show', '--config', config, '--limit', '1000')
  assert.match(
    shown.out,
    /"action":"log\.restored".*"entries":"altered"|"entries":"altered".*"action":"log\.restored"/,
  )
  assert.match(shown.error, /entry 1 is not the one that was published/)
})

test('a log that lacks entries which it counts is not put back: nothing could follow it', async () => {
  const cuts = [
    inLog((all) => all.slice(0, -2)),
    inLog((all) => [...all.slice(0, 2), ...all.slice(3)]),
  ]
  for (const rows of cuts) await refused({ rows }, /\(main\.backup-log-cut\)/)
})

test('a log written anew, with a tree that fits it, is not the living realm’s', async () => {
  const other = await makeRealm()
  try {
    await good('init', '--config', other.config)
    const options = ['--out', realm.path('backups/other.age'), '--recipient', realm.recipient]
    await good('backup', '--config', other.config, ...options)
    const sandbox = realm.path('sandbox')
    // As if it were ours: same domain, same passphrase for the rehearsal, another history.
    const command = ['rehearse-restore', realm.path('backups/other.age'), '--config', realm.config]
    const more = ['--recovery-key', realm.recoveryKey, '--sandbox', sandbox, '--json']
    const passphrase = ['--passphrase-file', other.path('passphrase')]
    const { out } = await keyrealm(...command, ...more, ...passphrase)
    const { keys, keysOpened, logWhole, good: isGood } = JSON.parse(out)
    assert.equal(keysOpened, keys)
    assert.deepEqual([logWhole, isGood], [false, false])
  } finally {
    other.remove()
  }
})

test('links that somebody put where leftovers would be lead nowhere: nothing behind them is written or swept', async () => {
  const [places, theirs] = [realm.path('places'), realm.path('theirs')]
  for (const folder of [places, theirs]) mkdirSync(folder)
  writeFileSync(join(theirs, 'theirs'), 'theirs')
  const ids = ['6f1c1d0e-3a52-4c6e-9a3b-1f2d3c4b5a69', '7f1c1d0e-3a52-4c6e-9a3b-1f2d3c4b5a69']
  for (const id of ids) symlinkSync(theirs, join(places, `.wanted.${id}.partial`))
  symlinkSync(realm.path('state/realm.sqlite'), join(places, `.wanted.${ids[0]}.lock`))
  const before = readFileSync(realm.path('state/realm.sqlite'))
  const to = join(places, 'wanted')
  assert.equal((await restore(file, to)).code, 0)
  assert.deepEqual(readdirSync(theirs), ['theirs'])
  assert.deepEqual(readFileSync(realm.path('state/realm.sqlite')), before)
  assert.ok(existsSync(join(to, 'appliance.json')))
})

test('files of a folder come along under any name that its reader takes, and hidden ones stay', async () => {
  const [trust, names] = [realm.path('trust'), ['Our own CA (2026).pem', 'zürich.pem']]
  mkdirSync(trust)
  const root = { kind: 'root', commonName: 'Peers', dnsNames: [], ipAddresses: [] } as const
  const anchor = issueCertificate(root, generateKeyPem())
  for (const name of [...names, '.hidden.swp']) writeFileSync(join(trust, name), anchor)
  const carrier = {
    ...{ certificateFile: 'tls/link.pem', keyFile: 'tls/link.key', trustFolder: 'trust' },
    requireCrl: false,
  }
  const settings = JSON.parse(readFileSync(realm.config, 'utf8'))
  const config = join(dirname(realm.config), 'with-peers.json')
  writeFileSync(config, JSON.stringify({ ...settings, federation: { carrier } }))
  const out = realm.path('backups/peers.age')
  await good('backup', '--config', config, '--out', out, '--recipient', realm.recipient)
  const to = realm.path('with-peers')
  const { code, error } = await restore(out, to)
  assert.equal(code, 0, error)
  assert.deepEqual(
    readdirSync(join(to, 'files/federation.carrier.trustFolder')).sort(),
    names.sort(),
  )
})
