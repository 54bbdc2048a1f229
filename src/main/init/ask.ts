// What `keyrealm init` asks a person: as little as there is no good answer for. Each answer is judged at once, by the rules
// of the setting that it becomes; together they are what a file of answers would hold. No secret is asked for here.

import { statSync } from 'node:fs'
import { dirname, resolve } from 'node:path'
import { problemAt } from '../../config/index.ts'
import { systemRandom } from '../../crypto/index.ts'
import type { Terminal } from '../terminal.ts'

export interface Question {
  readonly text: string
  /** Shown, and the answer if none is given. */
  readonly byDefault: string | undefined
  /** In words, why that is no answer; undefined if it is one. */
  readonly problem: (said: string) => string | undefined
}

/** Asks until there is an answer. */
export type Ask = (question: Question) => Promise<string>

export const askOn =
  (terminal: Terminal): Ask =>
  async ({ text, byDefault, problem }) => {
    const shown = byDefault === undefined ? '' : ` [${byDefault}]`
    for (;;) {
      const typed = (await terminal.line(`${text}${shown}: `)).trim()
      const said = typed === '' ? byDefault : typed
      const wrong = said === undefined ? 'is needed' : problem(said)
      if (said !== undefined && wrong === undefined) return said
      terminal.say(`  An answer ${wrong}.\n`)
    }
  }

/** The questions of one interview, about what will be `config`. */
const interview = (ask: Ask, config: string) => ({
  choice: (text: string, [byDefault, ...others]: readonly [string, ...string[]]) => {
    const words = [byDefault, ...others]
    const problem = (said: string) =>
      words.includes(said) ? undefined : `must be one of ${words.join(', ')}`
    return ask({ text, byDefault, problem })
  },
  /** `word` stands for having none. */
  file: (text: string, word?: string) => {
    const problem = (said: string) => {
      const path = resolve(dirname(config), said)
      const isFile = statSync(path, { throwIfNoEntry: false })?.isFile() === true
      return said === word || isFile ? undefined : `must name a file; ${path} is none`
    }
    return ask({ text, byDefault: word, problem })
  },
  /** `place` puts the answer where the settings have it, and `path` says where that is. */
  setting: (
    text: string,
    [path, place]: readonly [string, (said: string) => object],
    { byDefault, word }: { readonly byDefault?: string; readonly word?: string } = {},
  ) => {
    const problem = (said: string) =>
      said === word ? undefined : problemAt(place(said), config, path)
    return ask({ text, byDefault: byDefault ?? word, problem })
  },
})

type Interview = ReturnType<typeof interview>

const askCertificate = async ({ choice, file }: Interview): Promise<object> => {
  const kind = await choice('The realm’s certificate: pem, pkcs12, or request (a CSR)', [
    'request',
    'pem',
    'pkcs12',
  ])
  if (kind === 'pem') {
    const chain = await file('  certificate chain (PEM, leaf first)')
    return { kind, chain, key: await file('  private key (PEM, chmod 600)') }
  }
  if (kind === 'pkcs12') {
    const pkcs12 = await file('  PKCS#12 file')
    const password = await file('  file with its password (chmod 600)')
    return { kind, file: pkcs12, password: { file: password } }
  }
  return { kind }
}

const askLink = async ({ setting, file }: Interview) => {
  const linkUrl = await setting('The core’s address for the line (wss://…)', [
    'core.linkUrl',
    (said) => ({ core: { linkUrl: said } }),
  ])
  const tlsCaFile = await file('The authority that vouches for the core (PEM file)')
  const certificateFile = await file(
    'Client certificate on the line (PEM file, or: request)',
    'request',
  )
  if (certificateFile === 'request') {
    return { core: { linkUrl, tlsCaFile }, link: { linkCertificate: { kind: 'request' } } }
  }
  const keyFile = await file('  its private key (PEM, chmod 600)')
  return { core: { linkUrl, tlsCaFile, certificateFile, keyFile }, link: {} }
}

const askStore = async ({ setting, file }: Interview): Promise<object> => {
  const url = await setting(
    'Database: sqlite, or postgres://user@host/database',
    ['store.url', (said) => ({ store: { kind: 'postgres', url: said } })],
    { word: 'sqlite' },
  )
  if (url === 'sqlite') return {}
  const password = await file('  file with the password of that role (chmod 600)')
  const caFile = await file('  authority of its certificate (PEM file)')
  return { store: { kind: 'postgres', url, password: { file: password }, tls: { caFile } } }
}

const askUnlock = async ({ choice }: Interview): Promise<object> => {
  const how = await choice('Passphrase of the realm: made (into a file), or typed at each start', [
    'made',
    'typed',
  ])
  return how === 'made' ? {} : { unlock: { sealedFile: 'state/main-key.sealed' } }
}

const askBackup = async ({ setting }: Interview): Promise<object> => {
  const recipient = await setting(
    'Recovery recipient for backups (age1…, or: none)',
    ['backup.recipients.0', (said) => ({ backup: { recipients: [said] } })],
    { word: 'none' },
  )
  if (recipient === 'none') return {}
  const folder = await setting(
    '  folder for backups',
    ['backup.folder', (said) => ({ backup: { folder: said } })],
    { byDefault: 'backups' },
  )
  return { backup: { recipients: [recipient], folder } }
}

const askRealm = async ({ setting }: Interview) => {
  const domain = await setting(
    'Domain of the realm (kms://DOMAIN/…, the name in its certificate)',
    ['realm.domain', (said) => ({ realm: { domain: said } })],
  )
  const name = await setting(
    'What people call it',
    ['realm.name', (said) => ({ realm: { name: said } })],
    { byDefault: domain },
  )
  const id = await setting(
    'Id of your organisation, as tokens name it (UUID)',
    ['realm.organizations.0.id', (said) => ({ realm: { organizations: [{ id: said }] } })],
    { byDefault: systemRandom.uuid() },
  )
  return { name, domain, organizations: [{ id, name }] }
}

const askIdentity = async ({ setting }: Interview, domain: string) => {
  const issuer = await setting('Identity provider (https://…, the iss of its tokens)', [
    'identity.issuers.0.issuer',
    (said) => ({ identity: { issuers: [{ issuer: said }] } }),
  ])
  const audience = await setting(
    'The aud of tokens for this realm',
    ['identity.issuers.0.audience', (said) => ({ identity: { issuers: [{ audience: said }] } })],
    { byDefault: `https://${domain}` },
  )
  return { issuers: [{ issuer, audience }] }
}

/** Answers as a file would hold them, each fit for its setting; not judged together. */
export const askAnswers = async (ask: Ask, config: string): Promise<unknown> => {
  const asking = interview(ask, config)
  const realm = await askRealm(asking)
  const identity = await askIdentity(asking, realm.domain)
  const { core, link } = await askLink(asking)
  const store = await askStore(asking)
  const unlock = await askUnlock(asking)
  const backup = await askBackup(asking)
  const settings = { realm, ...store, ...unlock, identity, core, ...backup }
  return { settings, certificate: await askCertificate(asking), ...link }
}
