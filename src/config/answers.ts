// What `keyrealm init` is told when nobody is asked: the settings that shall be written, and where the certificates
// come from. Paths count from the folder of the settings file that will be written. Unknown members are refused.

import { dirname } from 'node:path'
import { z } from 'zod'
import { pathIn, secretIn } from './fields.ts'
import { checkedWith, readJsonFile } from './load.ts'

const pkcs12 = (folder: string) =>
  z.strictObject({
    kind: z.literal('pkcs12'),
    file: pathIn(folder)('Key and chain (PKCS#12).'),
    password: secretIn(folder)('What opens it.'),
  })

const request = z.strictObject({ kind: z.literal('request') })

const answersSchema = (folder: string) =>
  z.strictObject({
    settings: z.record(z.string(), z.unknown()),
    /** The realm's identity. */
    certificate: z.discriminatedUnion('kind', [
      z.strictObject({
        kind: z.literal('pem'),
        key: pathIn(folder)('Private key (PEM).'),
        chain: pathIn(folder)('Chain (PEM), leaf first.'),
      }),
      pkcs12(folder),
      request,
    ]),
    /** The client certificate on the line to the core; absent where the settings name files that are there. */
    linkCertificate: z.discriminatedUnion('kind', [pkcs12(folder), request]).exactOptional(),
  })

type Parsed = z.output<ReturnType<typeof answersSchema>>

export type Answers = Parsed
/** Where a certificate comes from. */
export type CertificateAnswer = Parsed['certificate']

/** Answers in `file` about a settings file that will be `configFile` (absolute). Throws `SettingsError`. */
export const loadAnswers = (file: string, configFile: string): Answers =>
  parseAnswers(readJsonFile(file), file, configFile)

/** The same for answers that a person gave. */
export const parseAnswers = (raw: unknown, file: string, configFile: string): Answers =>
  checkedWith(answersSchema(dirname(configFile)), raw, file)

const DEFAULTS = {
  realm: { stateDirectory: 'state' },
  store: { kind: 'sqlite', file: 'state/realm.sqlite' },
  unlock: { sealedFile: 'state/main-key.sealed', passphrase: { file: 'state/passphrase' } },
  core: { certificateFile: 'tls/link.pem', keyFile: 'tls/link.key' },
} as const

const isMembers = (raw: unknown): raw is Readonly<Record<string, unknown>> =>
  typeof raw === 'object' && raw !== null && !Array.isArray(raw)

/** The settings that will be written: what was answered, and for places whatever is usual. */
export const completeSettings = ({ settings }: Answers): Readonly<Record<string, unknown>> => {
  const { realm, core } = settings
  return {
    store: DEFAULTS.store,
    unlock: DEFAULTS.unlock,
    ...settings,
    realm: isMembers(realm) ? { ...DEFAULTS.realm, ...realm } : realm,
    core: isMembers(core) ? { ...DEFAULTS.core, ...core } : core,
  }
}
