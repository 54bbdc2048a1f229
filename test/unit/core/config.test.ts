import assert from 'node:assert/strict'
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { readSecret } from '../../../src/core/config.ts'
import { loadSettings, parseSettings } from '../../../src/core/index.ts'
import { postingsSettingsOf } from '../../../src/core/rules.ts'

const TLS = { certFile: 'c.pem', keyFile: 'k.pem' }
const ORGANIZATION = '5f1d7c52-4d0e-4a57-9c8b-0a6e3b1f2ac1'
const REALM = { domain: 'kms.acme.example', organizationIds: [ORGANIZATION] }
const GOOD = {
  listen: { host: '127.0.0.1', port: 8443, ...TLS },
  link: { host: '127.0.0.1', port: 8444, ...TLS, clientCaFile: 'ca.pem' },
  health: { port: 0 },
  database: { file: 'core.sqlite' },
  identity: { issuer: 'https://id.test', clientId: 'core', clientSecretFile: 'secret' },
  realms: [REALM],
}

test('settings that say the least have defaults for the rest', () => {
  const { identity, limits, health, log } = parseSettings(GOOD)
  assert.equal(identity.audience, 'urn:keyrealm:core')
  assert.equal(identity.requiredScope, 'spark:core')
  assert.equal(limits.heldForMs, 120_000)
  assert.equal(health.host, '127.0.0.1')
  assert.equal(log.level, 'info')
})

const wrong: readonly (readonly [string, object, RegExp])[] = [
  ['an unknown key', { ...GOOD, limit: {} }, /^limit: unknown setting$/],
  ['an unknown key deep down', { ...GOOD, limits: { bodyByte: 1 } }, /^limits\.bodyByte: unknown/],
  ['a value out of range', { ...GOOD, limits: { bodyBytes: 1 } }, /^limits\.bodyBytes: /],
  [
    'no TLS',
    { ...GOOD, identity: { ...GOOD.identity, issuer: 'http://x' } },
    /^identity\.issuer: /,
  ],
  ['a missing part', { ...GOOD, link: undefined }, /^link: /],
  ['no realm', { ...GOOD, realms: [] }, /^realms: /],
  [
    'two realms for one organization',
    { ...GOOD, realms: [REALM, { ...REALM, domain: 'x' }] },
    /^realms: .*twice/,
  ],
  [
    'a search index in two places',
    { ...GOOD, search: { file: 'f', postgresUrlFile: 'u' } },
    /^search/,
  ],
  ['two realms of one name', { ...GOOD, realms: [REALM, REALM] }, /^realms: .*twice/],
]

for (const [what, settings, says] of wrong) {
  test(`settings do not start a core: ${what}`, () => {
    assert.throws(() => parseSettings(settings), { name: 'SettingsError', message: says })
  })
}

test('paths in a file are relative to it, and a file that is no JSON is named', () => {
  const directory = mkdtempSync(join(tmpdir(), 'core settings '))
  const file = join(directory, 'core.json')
  writeFileSync(file, JSON.stringify({ ...GOOD, log: { file: 'log/core.log' } }))
  const { database, listen, log } = loadSettings(file)
  assert.equal(database.file, join(directory, 'core.sqlite'))
  assert.equal(listen.certFile, join(directory, 'c.pem'))
  assert.equal(log.file, join(directory, 'log/core.log'))
  writeFileSync(file, '{')
  assert.throws(() => loadSettings(file), { message: `${file}: not JSON` })
  assert.throws(() => loadSettings(`${file}.not-there`), /cannot be read/)
  rmSync(directory, { recursive: true })
})

test('a secret that others may read stops the start', () => {
  const directory = mkdtempSync(join(tmpdir(), 'core-secret-'))
  const file = join(directory, 'secret')
  writeFileSync(file, 'hush\n', { mode: 0o644 })
  assert.throws(() => readSecret(file), { code: 'core.open-secret' })
  rmSync(file)
  writeFileSync(file, 'hush\n', { mode: 0o600 })
  assert.equal(readSecret(file), 'hush')
  rmSync(directory, { recursive: true })
})

test('the search index lies beside the database, in a file of its own, or in PostgreSQL', () => {
  const directory = mkdtempSync(join(tmpdir(), 'core settings '))
  const file = join(directory, 'core.json')
  const settingsWith = (search?: object) => {
    writeFileSync(file, JSON.stringify({ ...GOOD, search }))
    return postingsSettingsOf(loadSettings(file))
  }
  const sqlite = (name: string) => ({ kind: 'sqlite', file: join(directory, name) })
  assert.deepEqual(settingsWith(), sqlite('core.sqlite-search'))
  assert.deepEqual(settingsWith({ file: 'index.sqlite' }), sqlite('index.sqlite'))
  const url = 'postgres://core:secret@127.0.0.1:5432/core'
  writeFileSync(join(directory, 'url'), `${url}\n`, { mode: 0o600 })
  const search = { postgresUrlFile: 'url' }
  assert.deepEqual(settingsWith(search), { kind: 'postgres', url, poolSize: 4 })
  // The URL holds a password.
  chmodSync(join(directory, 'url'), 0o640)
  assert.throws(() => settingsWith(search), { code: 'core.open-secret' })
  rmSync(directory, { recursive: true })
})
