// What `keyrealm init` asks a person: as little as there is no good answer for. What is said becomes the same answers
// that a file would have held. No secret is asked for here.

import { createInterface } from 'node:readline/promises'
import { systemRandom } from '../../crypto/index.ts'

/** Asks, shows the default, and answers it for an empty line. */
export type Ask = (question: string, byDefault?: string) => Promise<string>

export const askOnTerminal = (): { readonly ask: Ask; close(): void } => {
  const terminal = createInterface({ input: process.stdin, output: process.stderr })
  return {
    ask: async (question, byDefault) => {
      const shown = byDefault === undefined ? '' : ` [${byDefault}]`
      for (;;) {
        const said = (await terminal.question(`${question}${shown}: `)).trim()
        if (said !== '') return said
        if (byDefault !== undefined) return byDefault
      }
    },
    close: () => terminal.close(),
  }
}

const askCertificate = async (ask: Ask): Promise<object> => {
  const kind = await ask('The realm’s certificate: pem, pkcs12, or request (a CSR)', 'request')
  if (kind === 'pem') {
    const chain = await ask('  certificate chain (PEM, leaf first)')
    return { kind, chain, key: await ask('  private key (PEM, chmod 600)') }
  }
  if (kind === 'pkcs12') {
    const file = await ask('  PKCS#12 file')
    return { kind, file, password: { file: await ask('  file with its password (chmod 600)') } }
  }
  return { kind }
}

const askLink = async (ask: Ask): Promise<{ readonly core: object; readonly link: object }> => {
  const linkUrl = await ask('The core’s address for the line (wss://…)')
  const tlsCaFile = await ask('The authority that vouches for the core (PEM file)')
  const certificateFile = await ask(
    'Client certificate on the line (PEM file, or: request)',
    'request',
  )
  if (certificateFile === 'request') {
    return { core: { linkUrl, tlsCaFile }, link: { linkCertificate: { kind: 'request' } } }
  }
  const keyFile = await ask('  its private key (PEM, chmod 600)')
  return { core: { linkUrl, tlsCaFile, certificateFile, keyFile }, link: {} }
}

const askStore = async (ask: Ask): Promise<object> => {
  const url = await ask('Database: sqlite, or postgres://user@host/database', 'sqlite')
  if (url === 'sqlite') return {}
  const file = await ask('  file with the password of that role (chmod 600)')
  const caFile = await ask('  authority of its certificate (PEM file)')
  return { store: { kind: 'postgres', url, password: { file }, tls: { caFile } } }
}

const askBackup = async (ask: Ask): Promise<object> => {
  const recipient = await ask('Recovery recipient for backups (age1…, or: none)', 'none')
  if (recipient === 'none') return {}
  return {
    backup: { recipients: [recipient], folder: await ask('  folder for backups', 'backups') },
  }
}

/** Answers as a file would hold them; not checked here. */
export const askAnswers = async (ask: Ask): Promise<unknown> => {
  const domain = await ask('Domain of the realm (kms://DOMAIN/…, the name in its certificate)')
  const name = await ask('What people call it', domain)
  const id = await ask('Id of your organisation, as tokens name it (UUID)', systemRandom.uuid())
  const issuer = await ask('Identity provider (https://…, the iss of its tokens)')
  const audience = await ask('The aud of tokens for this realm', `https://${domain}`)
  const { core, link } = await askLink(ask)
  const store = await askStore(ask)
  const backup = await askBackup(ask)
  return {
    settings: {
      realm: { name, domain, organizations: [{ id, name }] },
      ...store,
      identity: { issuers: [{ issuer, audience }] },
      core,
      ...backup,
    },
    certificate: await askCertificate(ask),
    ...link,
  }
}
