// A realm on the disk, made by the product's own commands in this process: settings, certificates, database, log. It
// is not served and dials nobody; good for whatever is done beside a running appliance.

import assert from 'node:assert/strict'
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { runCli } from '../../src/admin/index.ts'
import { loadSettings } from '../../src/config/index.ts'
import { createCommands } from '../../src/main/commands.ts'
import { CHAIN_PEM, DOMAIN, LEAF_KEY_PEM, PEOPLE } from './world.ts'

export interface Ran {
  readonly code: number
  readonly out: string
  readonly error: string
}

/** One command line in this process. */
export const keyrealm = async (...command: readonly string[]): Promise<Ran> => {
  let out = ''
  let error = ''
  const output = {
    out: (text: string) => {
      out += text
    },
    error: (text: string) => {
      error += text
    },
  }
  const code = await runCli(createCommands(output), { version: 'test' }, command, output)
  return { code, out, error }
}

export const good = async (...command: readonly string[]): Promise<string> => {
  const { code, out, error } = await keyrealm(...command)
  assert.deepEqual({ code, error }, { code: 0, error: '' }, command.join(' '))
  return out
}

const ACME_ID = '6f1c1d0e-3a52-4c6e-9a3b-1f2d3c4b5a69'
/** Stands in files that must not be seen in a backup. */
export const CANARY = 'canary-9f3a7c1e5b2d'

const settingsOf = (changes: object) => ({
  realm: {
    name: 'Acme',
    domain: DOMAIN,
    stateDirectory: 'state',
    organizations: [{ id: ACME_ID, name: 'Acme Ltd' }],
  },
  store: { kind: 'sqlite', file: 'state/realm.sqlite' },
  unlock: { sealedFile: 'state/main-key.sealed', passphrase: { file: 'passphrase' } },
  identity: {
    issuers: [
      {
        issuer: 'https://id.acme.example',
        audience: 'https://kms.acme.example',
        introspection: { clientId: 'kms', clientSecret: { file: 'secrets/client' } },
      },
    ],
  },
  core: {
    linkUrl: 'wss://localhost:1/link',
    tlsCaFile: 'tls/core-ca.pem',
    certificateFile: 'tls/link.pem',
    keyFile: 'tls/link.key',
  },
  ...changes,
})

export interface MadeRealm {
  readonly folder: string
  readonly config: string
  readonly recoveryKey: string
  readonly recipient: string
  /** Absolute. */
  path(name: string): string
  entries(): Promise<readonly { readonly [member: string]: unknown }[]>
  remove(): void
}

export const entriesOf = async (config: string) => {
  const out = await good('audit', 'show', '--config', config, '--limit', '1000')
  return out
    .trim()
    .split('\n')
    .map((line) => {
      const [sequence, body = ''] = line.split('\t')
      return { sequence: Number(sequence), ...JSON.parse(body) }
    })
}

/** `changes` are laid over the settings, section by section. */
export const makeRealm = async (changes: object = {}): Promise<MadeRealm> => {
  const folder = mkdtempSync(join(tmpdir(), 'keyrealm made-'))
  const path = (name: string): string => join(folder, name)
  for (const inner of ['tls', 'secrets', 'backups']) mkdirSync(path(inner))
  const config = path('appliance.json')
  writeFileSync(config, JSON.stringify(settingsOf(changes)))
  for (const name of ['tls/core-ca.pem', 'tls/link.pem']) writeFileSync(path(name), CHAIN_PEM)
  const secrets = { 'tls/link.key': LEAF_KEY_PEM, 'secrets/client': CANARY, 'id.key': LEAF_KEY_PEM }
  for (const [name, text] of Object.entries(secrets)) {
    writeFileSync(path(name), text, { mode: 0o600 })
  }
  writeFileSync(path('id.pem'), CHAIN_PEM)
  const people = Object.values(PEOPLE).map((id) => ({ id, organizationId: ACME_ID }))
  writeFileSync(path('people.json'), JSON.stringify(people))
  await good('init', '--config', config)
  const identity = ['--key', path('id.key'), '--chain', path('id.pem')]
  await good('identity', 'import', '--config', config, ...identity)
  await good('users', 'import', '--config', config, '--file', path('people.json'))
  const recoveryKey = path('recovery.key')
  const recipient = (await good('recovery-key', '--out', recoveryKey)).trim()
  return {
    ...{ folder, config, recoveryKey, recipient, path },
    entries: () => entriesOf(config),
    remove: () => rmSync(folder, { recursive: true, force: true }),
  }
}

export const passphraseOf = (config: string): string => {
  const { passphrase } = loadSettings(config).unlock
  assert.ok(passphrase !== undefined && 'file' in passphrase)
  return readFileSync(passphrase.file, 'utf8')
}
