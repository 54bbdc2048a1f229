// Each finding of `keyrealm preflight` is brought about, and says what is wrong, why it matters and what to do. What the
// machine at hand cannot be made to show (a network disk, a starved kernel) is answered for it; everything else is real.

import assert from 'node:assert/strict'
import { once } from 'node:events'
import {
  chmodSync,
  chownSync,
  copyFileSync,
  existsSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import { createServer } from 'node:https'
import { createServer as createTcp } from 'node:net'
import { after, before, describe, test } from 'node:test'
import Sqlite from 'better-sqlite3'
import { generateKeyPem, issueCertificate } from '../../scripts/dev/certs/issue.ts'
import { preflight } from '../../src/main/preflight/command.ts'
import { type Finding, type Means, systemMeans } from '../../src/main/preflight/finding.ts'
import { instant } from '../../src/time.ts'
import { migrateSome } from '../contract/store/execute.ts'
import { type ConnectProxy, startProxy } from '../support/connect-proxy.ts'
import { good, keyrealm, type MadeRealm, makeRealm } from '../support/made-realm.ts'

const root = { kind: 'root', commonName: 'Test', dnsNames: [], ipAddresses: [] } as const
const caKey = generateKeyPem()
const ca = { certificatePem: issueCertificate(root, caKey), keyPem: caKey }
const key = generateKeyPem()
const names = { commonName: 'localhost', dnsNames: ['localhost'], ipAddresses: ['127.0.0.1'] }
const cert = issueCertificate({ kind: 'tls-server', ...names }, key, ca)

/** Core and identity provider at once: it answers TLS, and says what time it is. */
const server = createServer({ key, cert }, (_request, response) => response.end())
let [port, free] = [0, 0]
let realm: MadeRealm
let base: string
const DAY_MS = 86_400_000

const closedPort = async (): Promise<number> => {
  const listening = createTcp().listen(0, '127.0.0.1')
  await once(listening, 'listening')
  const { port: found } = Object(listening.address())
  listening.close()
  await once(listening, 'close')
  return found
}

before(async () => {
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  port = Object(server.address()).port
  free = await closedPort()
  realm = await makeRealm()
  for (const name of ['tls/core-ca.pem', 'tls/provider-ca.pem']) {
    writeFileSync(realm.path(name), ca.certificatePem)
  }
  const settings = JSON.parse(readFileSync(realm.config, 'utf8'))
  settings.core.linkUrl = `wss://localhost:${port}/link`
  const [issuer] = settings.identity.issuers
  Object.assign(issuer, { issuer: `https://localhost:${port}`, tlsCaFile: 'tls/provider-ca.pem' })
  settings.unlock.passphrase = { file: 'passphrase' }
  settings.backup = { recipients: [realm.recipient], folder: 'backups' }
  settings.listeners = Object.fromEntries(
    await Promise.all(
      ['health', 'admin', 'log'].map(async (name) => [name, { port: await closedPort() }]),
    ),
  )
  base = JSON.stringify(settings)
  writeFileSync(realm.config, base)
})
after(() => {
  server.closeAllConnections()
  server.close()
  realm?.remove()
})

type Change = (settings: Record<string, Record<string, unknown>>) => void

const findingsWith = async (change: Change, means: Partial<Means> = {}) => {
  const settings = JSON.parse(base)
  change(settings)
  writeFileSync(realm.config, JSON.stringify(settings))
  try {
    return await preflight(realm.config, { ...systemMeans, ...means })
  } finally {
    writeFileSync(realm.config, base)
  }
}

/** Exactly these, each with all it needs to say. */
const found = (findings: readonly Finding[], ...checks: readonly string[]) => {
  assert.deepEqual(
    findings.map(({ check }) => check),
    checks,
    JSON.stringify(findings),
  )
  for (const { what, why, remedy } of findings) {
    for (const words of [what, why, remedy]) assert.ok(words.length > 10, words)
  }
}

const nothing: Change = () => undefined
const set =
  (section: string, changes: object): Change =>
  (settings) => {
    settings[section] = { ...settings[section], ...changes }
  }

test('a realm as init leaves it has nothing to put right, and the command says so', async () => {
  found(await findingsWith(nothing))
  const report = JSON.parse(await good('preflight', '--config', realm.config, '--json'))
  assert.deepEqual(report, { good: true, findings: [] })
  assert.equal(await good('preflight', '--config', realm.config), '0 errors, 0 warnings\n')
})

test('errors end with 1, and each is told with why and what to do', async () => {
  const settings = JSON.parse(base)
  settings.core.keyFile = 'tls/nowhere.key'
  writeFileSync(realm.config, JSON.stringify(settings))
  const { code, out } = await keyrealm('preflight', '--config', realm.config)
  writeFileSync(realm.config, base)
  assert.equal(code, 1)
  assert.match(out, /^error {2}core\.keyFile: .*\(files\.secret-missing\)\n +why: .+\n +do: .+\n/m)
})

describe('the clock', () => {
  test('that is off by more than the provider’s tokens allow', async () => {
    const hour = () => instant(Date.now() + 3_600_000)
    found(await findingsWith(nothing, { now: hour }), 'clock.off')
  })
  test('that nobody can believe', async () => {
    const then = () => instant(Date.parse('2001-01-01T00:00:00Z'))
    const findings = await findingsWith(nothing, { now: then })
    assert.ok(findings.some(({ check }) => check === 'clock.implausible'))
    assert.ok(findings.some(({ check }) => check === 'certificate.not-yet-valid'))
  })
  test('cannot be compared with a provider that does not answer', async () => {
    const issuer = { issuer: `https://localhost:${free}`, audience: 'x' }
    found(await findingsWith(set('identity', { issuers: [issuer] })), 'provider.unreachable')
  })
})

describe('the network', () => {
  test('names without an address', async () => {
    const linkUrl = 'wss://nobody.invalid/link'
    found(await findingsWith(set('core', { linkUrl })), 'dns.unresolved', 'core.unreachable')
  })
  test('a core that does not answer', async () => {
    const linkUrl = `wss://localhost:${free}/link`
    found(await findingsWith(set('core', { linkUrl })), 'core.unreachable')
  })
  test('a core that somebody else vouches for', async () => {
    copyFileSync(realm.path('id.pem'), realm.path('tls/other-ca.pem'))
    found(await findingsWith(set('core', { tlsCaFile: 'tls/other-ca.pem' })), 'core.untrusted')
  })
})

describe('the proxy', () => {
  const through = async (proxy: ConnectProxy, changes: object = {}) => {
    const url = `http://127.0.0.1:${proxy.port}`
    const findings = await findingsWith(set('proxy', { url, ...changes }))
    proxy.close()
    return findings
  }
  test('that lets everything through is no finding', async () => {
    const proxy = await startProxy()
    found(await through(proxy))
    assert.equal(proxy.tunnels.length, 2, 'core and provider')
  })
  test('that is not there', async () => {
    const proxy = await startProxy()
    proxy.close()
    found(await through(proxy), 'proxy.unreachable', 'provider.unreachable')
  })
  test('that wants credentials', async () => {
    const proxy = await startProxy({ credentials: 'a:b' })
    found(await through(proxy), 'proxy.credentials', 'provider.unreachable')
  })
  test('that does not go there', async () => {
    const proxy = await startProxy({ status: 403 })
    found(await through(proxy), 'proxy.refused', 'provider.unreachable')
  })
})

describe('the database', () => {
  const other = (file: string): Change => set('store', { kind: 'sqlite', file })
  test('that is not there yet, and is not made', async () => {
    found(await findingsWith(other('state/none.sqlite')), 'database.missing')
    found(await findingsWith(other('state/none.sqlite')), 'database.missing')
  })
  test('that is not a database', async () => {
    writeFileSync(realm.path('noise.sqlite'), 'noise '.repeat(1000), { mode: 0o600 })
    found(await findingsWith(other('noise.sqlite')), 'database.corrupt')
  })
  test('of an older program', async () => {
    await migrateSome({ kind: 'sqlite', file: realm.path('older.sqlite') }, 4)
    found(await findingsWith(other('older.sqlite')), 'database.migration-pending')
  })
  test('of a newer program, or of another one', async () => {
    const copy = realm.path('newer.sqlite')
    const database = new Sqlite(realm.path('state/realm.sqlite'))
    await database.backup(copy)
    database.close()
    const changed = new Sqlite(copy)
    changed.exec(`insert into migration_texts (name, text) values ('9999-later', '')`)
    found(await findingsWith(other('newer.sqlite')), 'database.migration-unknown')
    changed.exec(`delete from migration_texts where name = '9999-later';
      update migration_texts set text = text || ' ' where name like '0001%'`)
    changed.close()
    found(await findingsWith(other('newer.sqlite')), 'database.migration-changed')
  })
  test('that does not answer', async () => {
    const url = `postgres://realm@127.0.0.1:${free}/realm`
    const change: Change = (settings) => {
      settings['store'] = { kind: 'postgres', url, tls: { mode: 'disable' } }
    }
    found(await findingsWith(change), 'database.unavailable')
  })
  test('on a network file system', async () => {
    found(await findingsWith(nothing, { fileSystem: () => 0x6969 }), 'database.on-a-network')
  })
})

describe('certificates', () => {
  const core = (changes: object): Change => set('core', changes)
  test('that are none, or of another key', async () => {
    found(await findingsWith(core({ certificateFile: 'people.json' })), 'certificate.unreadable')
    writeFileSync(realm.path('tls/stranger.key'), key, { mode: 0o600 })
    found(await findingsWith(core({ keyFile: 'tls/stranger.key' })), 'certificate.other-key')
  })
  test('that expire soon, and that have', async () => {
    const at = (days: number) => () => instant(Date.now() + days * DAY_MS)
    const soon = await findingsWith(nothing, { now: at(380), dateOf: async () => at(380)() })
    found(soon, 'certificate.expires-soon', 'certificate.expires-soon')
    const late = await findingsWith(nothing, { now: at(400), dateOf: async () => at(400)() })
    found(late, 'certificate.expired', 'certificate.expired')
  })
  test('of the realm: none yet, or for another name', async () => {
    const bare = realm.path('bare.sqlite')
    const database = new Sqlite(realm.path('state/realm.sqlite'))
    await database.backup(bare)
    database.close()
    const emptied = new Sqlite(bare)
    emptied.exec('delete from static_keys')
    emptied.close()
    const file = set('store', { kind: 'sqlite', file: 'bare.sqlite' })
    found(await findingsWith(file), 'identity.missing')
    const named = await findingsWith(set('realm', { domain: 'kms.other.example' }))
    found(named, 'identity.other-name')
  })
})

describe('files', () => {
  test('that are missing', async () => {
    found(await findingsWith(set('core', { tlsCaFile: 'tls/gone.pem' })), 'files.missing')
    found(await findingsWith(set('core', { keyFile: 'tls/gone.key' })), 'files.secret-missing')
  })
  test('with secrets that others may read', async () => {
    chmodSync(realm.path('tls/link.key'), 0o644)
    const findings = await findingsWith(nothing)
    chmodSync(realm.path('tls/link.key'), 0o600)
    found(findings, 'files.secret-readable-by-others')
    assert.match(findings[0]?.remedy ?? '', /chmod 600 .*link\.key/)
  })
  test('a state folder that is none, or that others may write into', async () => {
    found(await findingsWith(set('realm', { stateDirectory: 'none' })), 'files.no-state-folder')
    chmodSync(realm.path('state'), 0o777)
    const findings = await findingsWith(nothing)
    chmodSync(realm.path('state'), 0o700)
    found(findings, 'files.state-folder-open')
  })
  test('a passphrase beside what it opens', async () => {
    copyFileSync(realm.path('passphrase'), realm.path('state/passphrase'))
    const beside = { passphrase: { file: 'state/passphrase' } }
    const findings = await findingsWith(set('unlock', beside))
    rmSync(realm.path('state/passphrase'))
    found(findings, 'files.passphrase-beside')
  })
})

describe('what would refuse the start', () => {
  test('a passphrase that is a credential, which only the service has; or one that is missing', async (t) => {
    const passphrase = { credential: 'passphrase' }
    const change: Change = (settings) => {
      settings['unlock'] = { ...settings['unlock'], passphrase }
    }
    found(await findingsWith(change), 'unlock.credential-elsewhere')
    process.env['CREDENTIALS_DIRECTORY'] = realm.path('.')
    t.after(() => delete process.env['CREDENTIALS_DIRECTORY'])
    found(await findingsWith(change))
    process.env['CREDENTIALS_DIRECTORY'] = realm.path('nowhere')
    found(await findingsWith(change), 'unlock.secret-missing')
  })
  test('a passphrase that opens nothing, and a sealed file that is none', async () => {
    writeFileSync(realm.path('other-passphrase'), 'not this one', { mode: 0o600 })
    const other = set('unlock', { passphrase: { file: 'other-passphrase' } })
    found(await findingsWith(other), 'unlock.sealed-file-wrong-passphrase')
    writeFileSync(realm.path('noise.sealed'), 'noise', { mode: 0o600 })
    const findings = await findingsWith(set('unlock', { sealedFile: 'noise.sealed' }))
    assert.ok(findings.some(({ check }) => /^unlock\.sealed-file-/.test(check)))
  })
  test('an organisation without a main key', async () => {
    const id = '7f1c1d0e-3a52-4c6e-9a3b-1f2d3c4b5a69'
    const change: Change = (settings) => {
      const realmSettings = settings['realm'] ?? {}
      const { organizations } = realmSettings
      assert.ok(Array.isArray(organizations))
      settings['realm'] = {
        ...realmSettings,
        organizations: [...organizations, { id, name: 'More' }],
      }
      const [issuer] = Object(settings['identity']).issuers
      issuer.organizationIds = [id]
    }
    found(await findingsWith(change), 'unlock.organization-without-main-key')
  })
  test('a source tree where a logged release is required', async () => {
    writeFileSync(realm.path('signers.json'), '{}')
    const release = { require: 'logged', signersFile: 'signers.json' }
    found(await findingsWith(set('release', release)), 'release.signers-unreadable')
    assert.equal(existsSync(realm.path('state/release-log-checkpoint')), false)
  })
  test('a database that was put back from a copy, and a checkpoint that is gone', async () => {
    const kept = realm.path('state/log-checkpoint')
    const note = readFileSync(kept, 'utf8')
    try {
      const [origin = '', size, ...rest] = note.split('\n')
      writeFileSync(kept, [origin, Number(size) + 1, ...rest].join('\n'))
      found(await findingsWith(nothing), 'log.behind')
      writeFileSync(kept, 'noise')
      found(await findingsWith(nothing), 'log.unreadable')
      rmSync(kept)
      found(await findingsWith(nothing), 'log.unkept')
    } finally {
      writeFileSync(kept, note)
    }
  })
  test('another user’s state', { skip: process.getuid?.() !== 0 && 'only root can' }, async () => {
    chownSync(realm.path('state'), 65_534, 65_534)
    const findings = await findingsWith(nothing)
    chownSync(realm.path('state'), 0, 0)
    found(findings, 'files.another-user')
    assert.equal(findings[0]?.level, 'warning')
  })
})

describe('the machine', () => {
  test('a disk that is nearly full', async () => {
    const findings = await findingsWith(nothing, { freeBytes: () => 1024 * 1024 })
    found(findings, 'disk.little-space', 'disk.little-space')
    assert.equal(findings[0]?.level, 'error')
  })
  test('a kernel without randomness', async () => {
    found(await findingsWith(nothing, { entropyBits: () => 12 }), 'entropy.low')
  })
  test('a port that is taken, and an address of another machine', async () => {
    const taken = createTcp().listen(0, '127.0.0.1')
    await once(taken, 'listening')
    const health = { host: '127.0.0.1', port: Object(taken.address()).port }
    // Closed before anything is asserted: a failing test must end, too.
    const findings = await findingsWith(set('listeners', { health }))
    taken.close()
    found(findings, 'ports.unusable')
    const log = { host: '192.0.2.1', port: free, allowRemote: true }
    const elsewhere = await findingsWith(set('listeners', { log }))
    found(elsewhere, 'ports.unusable')
    assert.match(elsewhere[0]?.what ?? '', /no address of this machine/)
  })
})

describe('backups', () => {
  test('that nobody set up', async () => {
    const findings = await findingsWith((settings) => {
      delete settings['backup']
    })
    found(findings, 'backup.none')
  })
  test('that have no folder', async () => {
    const backup = { recipients: [realm.recipient], folder: 'nowhere' }
    found(await findingsWith(set('backup', backup)), 'backup.no-folder')
  })
  test('for somebody who is nobody', async () => {
    const backup = { recipients: ['age1nobody'], folder: 'backups' }
    found(await findingsWith(set('backup', backup)), 'backup.unfit-recipient')
  })
})
