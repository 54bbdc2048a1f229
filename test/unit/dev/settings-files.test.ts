// The settings that a development world writes are good in the eyes of the programs that read them.
import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { planWorld } from '../../../scripts/dev/world/plan.ts'
import {
  coreSettings,
  realmSettings,
  writeJson,
} from '../../../scripts/dev/world/settings-files.ts'
import { loadSettings } from '../../../src/config/index.ts'
import { loadSettings as loadCoreSettings } from '../../../src/core/config.ts'

const folder = mkdtempSync(join(tmpdir(), 'keyrealm settings '))
after(() => rmSync(folder, { recursive: true }))

const plan = planWorld({ dataDirectory: folder, portBase: 7400 })
const shared = {
  tlsCaFile: '/certs/tls-ca.pem',
  trustFolder: '/certs/trust',
  crlFolder: '/certs/crl',
}
const place = { keyFile: '/certs/key.pem', chainFile: '/certs/chain.pem' }
const realms = plan.realms.map(({ name, domain }) => ({
  name,
  domain,
  identity: place,
  identityCaFile: '/certs/identity-ca.pem',
  listeners: place,
  peer: { keyFile: '/certs/peer/key.pem', chainFile: '/certs/peer/chain.pem' },
  coreClient: place,
}))

test('the core accepts its settings and knows every realm', () => {
  const certificates = {
    directory: '/certs',
    ...shared,
    core: place,
    identityProvider: place,
    realms,
  }
  writeJson(plan.core.configFile, coreSettings(plan, certificates))
  const settings = loadCoreSettings(plan.core.configFile)
  assert.deepEqual(
    settings.realms.map(({ domain }) => domain),
    ['kms.acme.example', 'kms.globex.example'],
  )
  assert.equal(settings.publicBaseUrl, 'https://127.0.0.1:7401')
})

test('each realm accepts its settings, on loopback and with ports of its own', () => {
  const ports = plan.realms.flatMap((realm, index) => {
    const certificates = realms[index]
    assert.ok(certificates)
    writeJson(realm.configFile, realmSettings({ realm, plan, certificates, shared }))
    const { listeners, federation } = loadSettings(realm.configFile)
    assert.equal(federation.carrier?.crlFolder, '/certs/crl')
    const { health, admin, log } = listeners
    assert.deepEqual([health.host, admin.host, log.host], Array(3).fill('127.0.0.1'))
    return [health.port, admin.port, log.port]
  })
  assert.deepEqual(ports, [7410, 7411, 7412, 7420, 7421, 7422])
})
