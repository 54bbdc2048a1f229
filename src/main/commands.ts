// What each command of `keyrealm` does. Those that change a realm open its database beside a running
// server, unlock with the configured passphrase, and leave an audit entry like anyone.

import type { CliActions, CliOutput } from '../admin/index.ts'
import { loadSettings, readNamedText, readSecret, settingsSchemaText } from '../config/index.ts'
import { isCertificateProblem, SecretBytes, systemRandom } from '../crypto/index.ts'
import { type OrganizationId, parseOrganizationId, parseUserId } from '../id.ts'
import { importIdentity, type Person } from '../kms/index.ts'
import { toRfc3339 } from '../time.ts'
import { createAccessCommands } from './access-commands.ts'
import { askAdmin } from './ask-admin.ts'
import { type Realm, unlockRealm } from './assembly.ts'
import { createAuditCommands } from './audit-commands.ts'
import { createBackupCommands } from './backup/commands.ts'
import { beside, DONE, listing, SYSTEM } from './beside.ts'
import { CommandError } from './command-error.ts'
import { createIndexCommands } from './index-commands.ts'
import { createIndexingCommands } from './indexing-commands.ts'
import { passphraseFor } from './init/begin.ts'
import { refused } from './init/certificates.ts'
import { init } from './init/commands.ts'
import { ownDigests } from './own-files.ts'
import { createPeerCommands } from './peer-commands.ts'
import { preflightCommand } from './preflight/command.ts'
import { recordNaming } from './reading.ts'
import { runRotation } from './rotate-log-keys.ts'
import { serve } from './serve.ts'
import { shipStatusCommand } from './ship-status.ts'
import { VERSION } from './version.ts'

const unlocked = <Result>(
  config: string,
  work: (realm: Realm) => Promise<Result>,
): Promise<Result> =>
  beside(config, async (realm) => {
    const passphrase = await passphraseFor(realm.settings, undefined)
    await unlockRealm(realm, passphrase)
    passphrase.wipe()
    return work(realm)
  })

interface PlacedPerson extends Person {
  readonly organizationId: OrganizationId
}

const parseImportedPerson = (raw: unknown, realm: Realm): PlacedPerson => {
  const { id, organizationId } = (raw ?? {}) as { id?: unknown; organizationId?: unknown }
  const userId = parseUserId(id)
  const organization = parseOrganizationId(organizationId)
  if (userId === undefined || organization === undefined) {
    throw new CommandError(
      'main.invalid-user',
      'each user needs an id and an organizationId, both UUIDs',
    )
  }
  if (!realm.kms.organizations.includes(organization)) {
    throw new CommandError(
      'main.organization-not-served',
      `${organization} is not served by this realm`,
    )
  }
  return {
    userId,
    organizationId: organization,
    pseudonym: systemRandom.uuid(),
    firstSeenAt: realm.now(),
  }
}

/** A million people and more. */
const PEOPLE_MAX_BYTES = 256 * 1024 * 1024

const parseJson = (text: string): unknown => {
  try {
    return JSON.parse(text)
  } catch {
    throw new CommandError('main.invalid-users', 'the file is not JSON')
  }
}

const readPeople = (file: string, realm: Realm): readonly PlacedPerson[] => {
  const parsed: unknown = parseJson(readNamedText(file, PEOPLE_MAX_BYTES))
  if (!Array.isArray(parsed))
    throw new CommandError('main.invalid-users', 'the file is not a JSON array')
  return parsed.map((raw) => parseImportedPerson(raw, realm))
}

/** Known people keep their pseudonym. */
const importUsers = (realm: Realm, file: string): Promise<number> => {
  const people = readPeople(file, realm)
  return realm.ledger.commit(async (tx) => {
    const known = await tx.people.find(people.map(({ userId }) => userId))
    const wanted = people.map((person) => {
      const before = known.get(person.userId)
      return before === undefined ? person : { ...before, organizationId: person.organizationId }
    })
    await tx.people.remember(wanted)
    return {
      result: people.length,
      acts: [
        {
          action: 'directory.imported',
          outcome: 'done',
          actor: SYSTEM,
          type: 'DIRECTORY',
          subjects: wanted.map(({ pseudonym }) => pseudonym),
        },
      ],
    }
  })
}

const userRows = async (realm: Realm) => {
  const people = await realm.store.read((tx) =>
    Promise.all(realm.kms.organizations.map((id) => tx.people.ofOrganization(id))),
  )
  const rows = people
    .flat()
    .map((person) => [person.userId, person.organizationId ?? '-', person.pseudonym])
  await recordNaming(realm.ledger, rows.length)
  return rows
}

const identityRows = (realm: Realm) =>
  realm.store.read(async (tx) =>
    (await tx.staticKeys.all()).map(({ uri, createdAt }) => [uri, toRfc3339(createdAt)]),
  )

export const createCommands = (output: CliOutput): CliActions => ({
  ...createAccessCommands(output),
  ...createAuditCommands(output),
  ...createBackupCommands(output),
  ...createIndexCommands(output),
  ...createIndexingCommands(output),
  ...createPeerCommands(output),
  serve: ({ config }) => serve(loadSettings(config), config),
  init: (options) => init(options, output),
  status: async ({ config, json }) => {
    const status = await askAdmin(loadSettings(config), 'GET', 'status')
    if (json === true) output.out(`${JSON.stringify(status)}\n`)
    else
      for (const [name, value] of Object.entries(status))
        output.out(`${name}\t${JSON.stringify(value)}\n`)
    return DONE
  },
  configCheck: async ({ config }) => {
    loadSettings(config)
    output.out('the settings are good\n')
    return DONE
  },
  configSchema: async () => {
    output.out(settingsSchemaText())
    return DONE
  },
  preflight: ({ config, json }) => preflightCommand(config, json, output),
  lock: async ({ config }) => {
    await askAdmin(loadSettings(config), 'POST', 'lock')
    return DONE
  },
  unlock: async ({ config, passphraseFile }) => {
    const settings = loadSettings(config)
    const passphrase = await passphraseFor(settings, passphraseFile)
    const body = { passphrase: new TextDecoder().decode(passphrase.expose()) }
    await askAdmin(settings, 'POST', 'unlock', body)
    passphrase.wipe()
    return DONE
  },
  identityImport: ({ config, key, chain }) =>
    unlocked(config, async (realm) => {
      const material = {
        chainPem: readNamedText(chain),
        privateKeyPem: SecretBytes.from(readSecret({ file: key })),
      }
      const imported = await importIdentity(
        material,
        { ...realm, settings: realm.kms },
        realm.now(),
      )
      if (isCertificateProblem(imported)) throw refused(imported)
      output.out(`${imported}\n`)
      return DONE
    }),
  identityList: (options) => listing(options, output, identityRows),
  usersImport: ({ config, file }) =>
    beside(config, async (realm) => {
      output.out(`${await importUsers(realm, file)} people\n`)
      return DONE
    }),
  usersList: (options) => listing(options, output, userRows),
  auditRotateKey: (options) =>
    unlocked(options.config, (realm) => runRotation(realm, options, output)),
  digests: async ({ config, json }) => {
    const digests = { version: VERSION, runtime: process.version, ...ownDigests(config) }
    if (json === true) output.out(`${JSON.stringify(digests)}\n`)
    else for (const [name, digest] of Object.entries(digests)) output.out(`${name}\t${digest}\n`)
    return DONE
  },
  auditShipStatus: ({ config, json }) => shipStatusCommand(config, json === true, output),
})
