// A realm is set up from a file of answers, with a certificate of each origin, and nothing that exists is overwritten.

import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, beforeEach, test } from 'node:test'
import { completeSettings, parseAnswers, parseSettings } from '../../src/config/index.ts'
import { askAnswers } from '../../src/main/init/ask.ts'
import { packPkcs12, signRequest } from '../support/authority.ts'
import { entriesOf, good, keyrealm } from '../support/made-realm.ts'
import { CHAIN_PEM, DOMAIN, LEAF_KEY_PEM } from '../support/world.ts'

const folder = mkdtempSync(join(tmpdir(), 'keyrealm init-'))
after(() => rmSync(folder, { recursive: true, force: true }))

let made = 0
let home: string
let config: string
beforeEach(() => {
  made += 1
  home = join(folder, String(made))
  config = join(home, 'etc/appliance.json')
  mkdirSync(join(home, 'etc'), { recursive: true })
  const files = { 'core-ca.pem': CHAIN_PEM, 'id.pem': CHAIN_PEM, 'id.key': LEAF_KEY_PEM }
  for (const [name, text] of Object.entries(files)) {
    writeFileSync(join(home, 'etc', name), text, { mode: 0o600 })
  }
})

const SETTINGS = {
  realm: {
    name: 'Acme',
    domain: DOMAIN,
    organizations: [{ id: '6f1c1d0e-3a52-4c6e-9a3b-1f2d3c4b5a69', name: 'Acme' }],
  },
  identity: { issuers: [{ issuer: 'https://id.acme.example', audience: 'https://kms' }] },
  core: { linkUrl: 'wss://core.example/link', tlsCaFile: 'core-ca.pem' },
}
const PEM = { kind: 'pem', key: 'id.key', chain: 'id.pem' }
const REQUEST = { kind: 'request' }

const answers = (value: object): string => {
  const file = join(home, 'answers.json')
  writeFileSync(file, JSON.stringify(value))
  return file
}
const init = (value: object) => keyrealm('init', '--config', config, '--answers', answers(value))

const identities = async () => (await good('identity', 'list', '--config', config)).trim()

test('from PEM files, and the line’s key requested', async () => {
  const { code, out } = await init({
    settings: SETTINGS,
    certificate: PEM,
    linkCertificate: REQUEST,
  })
  assert.equal(code, 0)
  assert.match(out, /^initialized kms\.acme\.example\nnext: .*link\.csr/)
  assert.match(await identities(), /statickeys\/1/)
  const signed = join(home, 'link-signed.pem')
  writeFileSync(signed, await signRequest(readFileSync(join(home, 'etc/state/link.csr'), 'utf8')))
  const link = ['init', '--config', config, '--continue', '--link-chain']
  const other = await keyrealm(...link, join(home, 'etc/id.pem'))
  assert.match(other.error, /\(main\.link-refused\)/)
  await good(...link, signed)
  assert.equal(readFileSync(join(home, 'etc/tls/link.pem'), 'utf8'), readFileSync(signed, 'utf8'))
  const actions = (await entriesOf(config)).map(({ action }) => action)
  assert.deepEqual(actions.slice(0, 2), ['realm.initialized', 'realm.unlocked'])
})

const pkcs12 = (bytes: Buffer, password: string) => {
  writeFileSync(join(home, 'etc/id.p12'), bytes)
  writeFileSync(join(home, 'etc/p12.password'), password, { mode: 0o600 })
  return { kind: 'pkcs12', file: 'id.p12', password: { file: 'p12.password' } }
}

test('from a PKCS#12 file; with another password nothing is made', async () => {
  const packed = packPkcs12(LEAF_KEY_PEM, CHAIN_PEM, 'open sesame')
  const linkCertificate = REQUEST
  const wrong = { settings: SETTINGS, certificate: pkcs12(packed, 'other'), linkCertificate }
  assert.match((await init(wrong)).error, /not-pkcs12-or-wrong-password \(main\.pkcs12-refused\)/)
  assert.equal(existsSync(config), false)
  const certificate = pkcs12(packed, 'open sesame')
  assert.equal((await init({ ...wrong, certificate })).code, 0)
  assert.match(await identities(), /statickeys\/1/)
})

test('from a PKCS#12 file that OpenSSL packed', async (t) => {
  const file = join(home, 'openssl.p12')
  const packing = ['-inkey', 'id.key', '-in', 'id.pem', '-passout', 'pass:x y', '-out', file]
  const ran = spawnSync('openssl', ['pkcs12', '-export', ...packing], { cwd: join(home, 'etc') })
  if (ran.status !== 0) return t.skip('there is no OpenSSL here')
  const certificate = pkcs12(readFileSync(file), 'x y')
  assert.equal((await init({ settings: SETTINGS, certificate, linkCertificate: REQUEST })).code, 0)
})

test('by a request that the enterprise’s authority signs; the key waits sealed and goes then', async () => {
  const value = { settings: SETTINGS, certificate: REQUEST, linkCertificate: REQUEST }
  assert.match((await init(value)).out, /next: .*identity\.csr.*--chain/)
  const pending = join(home, 'etc/state/identity-pending.sealed')
  assert.ok(!readFileSync(pending, 'utf8').includes('PRIVATE KEY'))
  assert.equal(await identities(), '')

  const again = ['init', '--config', config, '--continue', '--chain']
  const foreign = await keyrealm(...again, join(home, 'etc/id.pem'))
  assert.match(foreign.error, /other-private-key.*\(main\.identity-refused\)/)
  const signed = join(home, 'signed.pem')
  writeFileSync(
    signed,
    await signRequest(readFileSync(join(home, 'etc/state/identity.csr'), 'utf8')),
  )
  await good(...again, signed)
  assert.match(await identities(), /statickeys\/1/)
  assert.equal(existsSync(pending), false)
  assert.match((await keyrealm(...again, signed)).error, /\(main\.nothing-pending\)/)
})

test('nothing that exists is overwritten, and nothing is written for answers that are wrong', async () => {
  const value = { settings: SETTINGS, certificate: PEM, linkCertificate: REQUEST }
  const cases: readonly (readonly [object, RegExp])[] = [
    [{ ...value, extra: 1 }, /extra is not a setting/],
    [{ ...value, certificate: { kind: 'magic' } }, /certificate\.kind|certificate must be one/],
    [{ ...value, settings: { ...SETTINGS, loud: true } }, /loud is not a setting/],
    [{ ...value, linkCertificate: undefined }, /core\.certificateFile .*\(main\.file-missing\)/],
    [
      { ...value, settings: { ...SETTINGS, realm: { ...SETTINGS.realm, domain: 'kms.other' } } },
      /name-mismatch.*\(main\.identity-refused\)/,
    ],
  ]
  for (const [wrong, words] of cases) {
    const { code, error } = await init(wrong)
    assert.equal(code, error.includes('(config.invalid)') ? 78 : 1)
    assert.match(error, words)
    assert.equal(existsSync(config), false)
  }
  assert.equal((await init(value)).code, 0)
  const before = readFileSync(config, 'utf8')
  assert.match((await init(value)).error, /\(main\.file-exists\)/)
  assert.equal(readFileSync(config, 'utf8'), before)
})

test('asked again, it says what is left to do: also when it was cut off before it could', async () => {
  const value = { settings: SETTINGS, certificate: REQUEST, linkCertificate: REQUEST }
  assert.equal((await init(value)).code, 0)
  const again = () => good('init', '--config', config)
  assert.match(await again(), /next: .*identity\.csr.*--chain.*next: .*link\.csr.*--link-chain/s)
  // As after a kill before the requests were written.
  for (const name of ['identity.csr', 'link.csr', 'identity-pending.sealed']) {
    rmSync(join(home, 'etc/state', name))
  }
  assert.match(await again(), /next: .*identity import.*next: put the line’s certificate/s)
  const identity = ['--key', join(home, 'etc/id.key'), '--chain', join(home, 'etc/id.pem')]
  await good('identity', 'import', '--config', config, ...identity)
  assert.doesNotMatch(await again(), /identity/)
})

test('without answers and without a terminal it asks nobody', async () => {
  assert.match((await keyrealm('init', '--config', config)).error, /\(main\.no-answers\)/)
  const early = await keyrealm('init', '--config', config, '--continue', '--chain', 'x')
  assert.match(early.error, /\(main\.nothing-pending\)/)
})

test('what a person says, with defaults for everything that has one, becomes answers that fit', async () => {
  const said: Readonly<Record<string, string>> = {
    Domain: DOMAIN,
    Identity: 'https://id.acme.example',
    'The core': 'wss://core.example/link',
    'The authority': 'core-ca.pem',
  }
  const raw = await askAnswers(async ({ text, byDefault, problem }) => {
    const found = Object.entries(said).find(([begin]) => text.startsWith(begin))?.[1]
    const answer = found ?? byDefault
    assert.ok(answer !== undefined, text)
    assert.equal(problem(answer), undefined, text)
    return answer
  }, config)
  const parsed = parseAnswers(raw, 'your answers', config)
  const settings = parseSettings(completeSettings(parsed), config)
  assert.equal(settings.realm.domain, DOMAIN)
  assert.equal(settings.store.kind, 'sqlite')
  assert.equal(parsed.certificate.kind, 'request')
})
