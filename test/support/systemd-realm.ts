// What an operator puts onto a machine so that `keyrealm init` can make a realm of it, and the core beside it: answers,
// certificates, secrets. The realm's line goes to that core.

import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { makeDevelopmentCertificates } from '../../scripts/make-dev-certs.ts'
import type { BootedDebian } from './booted-debian.ts'

const DOMAIN = 'kms.acme.example'
export const PASSPHRASE = 'correct horse battery staple'
export const CLIENT_SECRET = 'client-secret-canary-5b1e'

const json = (file: string) => JSON.parse(readFileSync(file, 'utf8'))

/** `scratch` takes the certificates' own folder. */
export const furnish = ({ root, write, run }: BootedDebian, scratch: string): void => {
  const made = makeDevelopmentCertificates({
    directory: join(scratch, 'certificates'),
    realms: [{ name: 'acme', domain: DOMAIN }],
  })
  const [acme] = made.realms
  if (acme === undefined) throw new Error('no certificates were made')
  const put = (file: string, to: string, mode?: number) => write(to, readFileSync(file), mode)
  put(made.tlsCaFile, '/etc/keyrealm/core-ca.pem')
  put(acme.coreClient.chainFile, '/etc/keyrealm/link.pem')
  put(acme.coreClient.keyFile, '/var/lib/keyrealm/link.key', 0o600)
  put(acme.identity.chainFile, '/etc/keyrealm/identity.pem')
  put(acme.identity.keyFile, '/etc/keyrealm/identity.key', 0o600)
  put(made.core.chainFile, '/etc/keyrealm-core/core.pem')
  put(made.tlsCaFile, '/etc/keyrealm-core/realms-ca.pem')
  put(made.core.keyFile, '/var/lib/keyrealm-core/core.key', 0o600)
  write('/var/lib/keyrealm-core/client-secret', CLIENT_SECRET, 0o600)
  put(join(root, 'usr/share/keyrealm/core.json'), '/etc/keyrealm-core/core.json')
  const { $schema, ...settings } = json(join(root, 'usr/share/keyrealm/appliance.json'))
  const core = { ...settings.core, linkUrl: 'wss://localhost:8444/link' }
  const certificate = {
    kind: 'pem',
    chain: '/etc/keyrealm/identity.pem',
    key: '/etc/keyrealm/identity.key',
  }
  const answers = { settings: { ...settings, core }, certificate }
  write('/etc/keyrealm/answers.json', JSON.stringify(answers))
  write('/etc/keyrealm/credentials/passphrase', PASSPHRASE, 0o600)
  write('/etc/keyrealm/init-passphrase', PASSPHRASE, 0o600)
  const own = '/var/lib/keyrealm /etc/keyrealm/init-passphrase /etc/keyrealm/identity.key'
  run(`chown -R keyrealm: ${own}; chown -R keyrealm-core: /var/lib/keyrealm-core`)
}

/** What the health listener says once it is ready, asked from inside by the Node that was installed. */
export const ASK = `
  import { setTimeout } from 'node:timers/promises'
  const ask = async () => (await fetch('http://127.0.0.1:9101/readyz')).json()
  for (let left = 450; left > 0; left--) {
    const { status, parts } = await ask().catch(() => ({}))
    const isReady = status === 'ready' && parts.link === 'ok'
    if (isReady || left === 1) console.log(JSON.stringify(parts ?? {}))
    if (isReady) break
    await setTimeout(100)
  }
`
