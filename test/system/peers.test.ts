// What the operator's commands say of peers. Anchors of single domains: what init and preflight find in their folders, which of them
// hold, and that a realm put back from its backup trusts nobody more. And debts: how old they are, and giving them up.

import assert from 'node:assert/strict'
import { X509Certificate } from 'node:crypto'
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { loadSettings } from '../../src/config/index.ts'
import type { ResourceUri, UserId } from '../../src/id.ts'
import { besideAsFound } from '../../src/main/beside.ts'
import { preflight } from '../../src/main/preflight/command.ts'
import { instant } from '../../src/time.ts'
import { good, keyrealm, type MadeRealm, makeRealm } from '../support/made-realm.ts'
import { makePeerRealm } from '../support/peer-certificates.ts'
import { PEOPLE } from '../support/world.ts'

const GLOBEX = 'kms.globex.example'
const INITECH = 'kms.initech.example'
const ACME = 'kms.acme.example'
const shaOf = (pem: string): string =>
  new X509Certificate(pem).fingerprint256.replaceAll(':', '').toLowerCase()

let realm: MadeRealm
let trust: string
let [globexPem, initechPem] = ['', '']
const put = (name: string, text: string): void => {
  mkdirSync(join(trust, name, '..'), { recursive: true })
  writeFileSync(join(trust, name), text)
}
before(async () => {
  const own = await makePeerRealm(ACME)
  globexPem = (await makePeerRealm(GLOBEX)).root.pem
  initechPem = (await makePeerRealm(INITECH)).root.pem
  realm = await makeRealm()
  trust = realm.path('trust')
  put('partners.pem', initechPem)
  put(`${GLOBEX}/its-authority.pem`, globexPem)
  writeFileSync(realm.path('peer.pem'), own.leaf.chainPem)
  writeFileSync(realm.path('peer.key'), own.leaf.keyPem, { mode: 0o600 })
  const carrier = { certificateFile: 'peer.pem', keyFile: 'peer.key', trustFolder: 'trust' }
  const settings = JSON.parse(readFileSync(realm.config, 'utf8'))
  settings.federation = { carrier: { ...carrier, requireCrl: false } }
  writeFileSync(realm.config, JSON.stringify(settings))
})
after(() => realm?.remove())

const anchorFindings = async () =>
  (await preflight(realm.config)).filter(({ check }) => check === 'anchors.unusable')
const show = (domain: string) => good('peers', 'show', domain, '--config', realm.config)

test('peers show says which anchors hold for a domain, and that they are its own', async () => {
  assert.equal(await show(GLOBEX), `anchor\t${shaOf(globexPem)}\tthis-domain\n`)
  const { code, error } = await keyrealm('peers', 'show', INITECH, '--config', realm.config)
  assert.equal(code, 1)
  assert.match(error, /main\.unknown-peer/)
  await good('peers', 'block', INITECH, '--config', realm.config)
  assert.match(await show(INITECH), new RegExp(`^anchor\t${shaOf(initechPem)}\tevery-domain$`, 'm'))
})

test('a file for every domain that is no authority stops init and a start, which say what to do, and no backup', async () => {
  put('notes.txt', 'no certificate')
  try {
    for (const command of ['init', 'serve']) {
      const { code, error } = await keyrealm(command, '--config', realm.config)
      assert.equal(code, 1, command)
      assert.match(error, /\(main\.peer-trust\)\n.*trustFolder holds no certificate/)
    }
    // It would not let more in once it is put back, and better than none it is.
    const out = realm.path('backups/notes.age')
    await good('backup', '--out', out, '--recipient', realm.recipient, '--config', realm.config)
  } finally {
    rmSync(join(trust, 'notes.txt'))
  }
})

test('a folder that cannot be relied upon is an error of preflight, init, show and backup', async () => {
  assert.deepEqual(await anchorFindings(), [])
  put(`${INITECH.toUpperCase()}/ca.pem`, initechPem)
  put(`${GLOBEX}/notes.txt`, 'no certificate')
  try {
    const findings = await anchorFindings()
    assert.equal(findings.length, 2)
    for (const { level, what, remedy } of findings) {
      assert.equal(level, 'error')
      assert.match(
        what,
        /KMS\.INITECH\.EXAMPLE: its name is no domain|globex\.example: a file in it/,
      )
      assert.ok(remedy.length > 10)
    }
    const shut = `anchor\t-\tunusable\ta file in it holds no certificate of an authority\n`
    assert.equal(await show(GLOBEX), shut)
    const out = realm.path('backups/broken.age')
    const backup = ['backup', '--out', out, '--recipient', realm.recipient]
    for (const command of [['init'], backup]) {
      const { code, error } = await keyrealm(...command, '--config', realm.config)
      assert.equal(code, 1)
      assert.match(error, /main\.anchors-unusable/)
      assert.match(error, /KMS\.INITECH\.EXAMPLE/)
    }
  } finally {
    rmSync(join(trust, INITECH.toUpperCase()), { recursive: true })
    rmSync(join(trust, GLOBEX, 'notes.txt'))
  }
})

test('a realm put back from its backup has the anchors of each domain where they were', async () => {
  const out = realm.path('backups/good.age')
  await good('backup', '--config', realm.config, '--out', out, '--recipient', realm.recipient)
  const to = realm.path('restored')
  const key = ['--recovery-key', realm.recoveryKey, '--realm', ACME]
  await good('restore', out, ...key, '--to', to)
  const { carrier } = loadSettings(join(to, 'appliance.json')).federation
  assert.ok(carrier)
  const read = (name: string) => readFileSync(join(carrier.trustFolder, name), 'utf8')
  assert.equal(read(`${GLOBEX}/its-authority.pem`), globexPem)
  assert.equal(read('partners.pem'), initechPem)
})

test('peers show says what a peer is owed and since when, and write-off gives up what is a day old', async () => {
  const config = ['--config', realm.config]
  const since = instant(Date.parse('2026-01-02T03:04:05Z'))
  const owed = (resource: string, at: typeof since) => ({
    resourceUri: `kms://${ACME}/resources/${resource}` as ResourceUri,
    userId: PEOPLE.bob as UserId,
    ...{ domain: INITECH, since: at, dueAt: at, attempts: 7 },
  })
  const old = owed('11111111-1111-4111-8111-111111111111', since)
  const young = owed('22222222-2222-4222-8222-222222222222', instant(Date.now()))
  await besideAsFound(realm.config, ({ store }) =>
    store.transact((tx) => tx.debts.owe([old, young])),
  )
  const list = await good('peers', 'list', ...config)
  assert.match(list, /kms\.initech\.example\t.*\t2 owed since 2026-01-02T03:04:05\.000Z/)
  assert.match(await show(INITECH), /^owed\t.*11111111.*2026-01-02.*tried 7 times$/m)
  assert.equal(
    await good('peers', 'write-off', INITECH, ...config),
    'written off\t1\tstill owed\t1\n',
  )
  const [entry] = (await realm.entries()).slice(-1)
  assert.equal(entry?.['action'], 'peer.debts-written-off')
  assert.doesNotMatch(await show(INITECH), /resources.11111111/)
  const again = await keyrealm('peers', 'write-off', INITECH, ...config)
  assert.equal(again.code, 1)
  assert.match(again.error, /main\.nothing-to-write-off/)
})
