// What a realm needs once, before its first start: main key, identity, people. Done by the product's own commands.
// A realm that is prepared is only brought forward. It holds no secret: `init` makes the passphrase file that the settings name.
import { existsSync } from 'node:fs'
import type { RealmCertificates } from '../../make-dev-certs.ts'
import { writeOnce } from '../certs/keep.ts'
import { PEOPLE } from '../people.ts'
import { runToEnd } from '../supervise/child.ts'
import type { RealmPlan } from './plan.ts'
import { writeJson } from './settings-files.ts'

/** The program of every world; KEYREALM_PROGRAM names another one, such as an installed release's. */
export const KEYREALM =
  process.env['KEYREALM_PROGRAM'] ?? `${import.meta.dirname}/../../keyrealm.mjs`

export async function prepareRealm(realm: RealmPlan, { identity }: RealmCertificates) {
  const { directory, configFile, logFile } = realm
  const prepared = `${directory}/prepared`
  const run = (...command: string[]) =>
    runToEnd([KEYREALM, ...command, '--config', configFile], logFile)

  // A world made by an older program: nothing in it is worth a backup.
  if (existsSync(prepared)) return run('upgrade', '--no-backup')
  await run('init')
  await run('identity', 'import', '--key', identity.keyFile, '--chain', identity.chainFile)
  const peopleFile = `${directory}/people.json`
  writeJson(peopleFile, peopleOf(realm))
  await run('users', 'import', '--file', peopleFile)
  writeOnce(prepared, 'Main key, identity and people are in place.\n', 0o600)
}

/** An account that may index every room: without one nothing can be searched. A realm that has one is left alone. */
export async function letIndex({ directory, configFile, logFile, id }: RealmPlan) {
  const indexing = `${directory}/indexing`
  if (existsSync(indexing)) return
  const run = (...command: string[]) =>
    runToEnd(
      [KEYREALM, 'machines', ...command, '--name', 'indexer', '--config', configFile],
      logFile,
    )

  await run('add', '--organization', id)
  await run('grant', '--feature', 'index', '--all')
  writeOnce(indexing, 'An account may index every room.\n', 0o600)
}

function peopleOf({ name }: RealmPlan): object {
  return PEOPLE.filter((person) => person.realm === name).map((person) => ({
    id: person.id,
    name: person.name,
    email: person.email,
    organizationId: person.organizationId,
  }))
}
