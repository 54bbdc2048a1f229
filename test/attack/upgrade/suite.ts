// An upgrade dies at its own statements and changes of files, by command and as the first thing of a start; on one kind
// of database.

import assert from 'node:assert/strict'
import { mkdirSync, mkdtempSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { dying } from '../../support/dying.ts'
import { good, keyrealm } from '../../support/made-realm.ts'
import {
  copyRealm,
  type Filled,
  makeOldRealm,
  type OldRealm,
  readAll,
} from '../../support/old-realm.ts'
import { attemptAll, type Effort, spread } from '../crash/deaths.ts'
import { isRecorded, keepsAll, schemaOf, storeOf, verifies } from './whole.ts'

export interface UpgradePlace {
  /** A `store` section for the first realm; absent: SQLite in its folder. */
  readonly store?: unknown
  readonly migrations: number
  /** By whom the upgrade is begun: somebody, or a start. */
  readonly commands: readonly ('upgrade' | 'serve')[]
  /** A section for a copy of its database, where that is not in the folder. */
  copyStore(): Promise<unknown>
  close(): Promise<void>
}

interface Attempt {
  readonly command: 'upgrade' | 'serve'
  readonly after?: number
}

export const upgradeTests = (place: UpgradePlace, effort: Effort): void => {
  const scratch = mkdtempSync(join(tmpdir(), 'keyrealm upgrade-'))
  let old: OldRealm
  let rows: ReadonlyMap<string, Filled>
  let schemas: readonly [old: string, new: string]

  const copied = async (): Promise<OldRealm> => {
    const realm = copyRealm(old, await place.copyStore())
    mkdirSync(realm.path('scratch'))
    return realm
  }

  before(async () => {
    const changes = place.store === undefined ? {} : { store: place.store }
    old = await makeOldRealm({ migrations: place.migrations, rooms: 12, changes })
    const settings = JSON.parse(readFileSync(old.config, 'utf8'))
    const backup = { recipients: [old.recipient], folder: 'backups' }
    writeFileSync(old.config, JSON.stringify({ ...settings, backup }))
    rows = await readAll(storeOf(old))
    const upgraded = await copied()
    const was = await schemaOf(storeOf(upgraded))
    await good('upgrade', '--config', upgraded.config)
    schemas = [was, await schemaOf(storeOf(upgraded))]
    upgraded.remove()
  })
  after(async () => {
    old?.remove()
    await place.close()
    rmSync(scratch, { recursive: true, force: true })
  })

  /** Dies, or not; then the upgrade is asked for again, and everything is looked at. Answers what the death left. */
  const attempt = async ({ command, after: point }: Attempt) => {
    const realm = await copied()
    // A start without its passphrase ends where the upgrade is over.
    const passphrase = [realm.path('passphrase'), realm.path('taken')] as const
    if (command === 'serve') renameSync(...passphrase)
    const ended = await dying(realm.path('scratch'), [command, '--config', realm.config], point)
    if (command === 'serve') renameSync(passphrase[1], passphrase[0])
    const found = schemas.indexOf(await schemaOf(storeOf(realm)))
    assert.notEqual(found, -1, `${command} died at ${point} between two schemas`)
    await keepsAll(realm, rows)
    const waits = await keyrealm('users', 'list', '--config', realm.config)
    const code = /\((.+?)\)/.exec(waits.error)?.[1]
    assert.equal(code, found === 0 ? 'store.migration-pending' : undefined, waits.error)
    const again = ['--config', realm.config, '--out', realm.path('backups/again.age'), '--json']
    const said = JSON.parse(await good('upgrade', ...again))
    assert.equal(said.upgraded, found === 0)
    await keepsAll(realm, rows)
    await isRecorded(realm, realm.path('backups'))
    await verifies(realm)
    realm.remove()
    return { ...ended, left: found === 0 ? 'old' : 'new' } as const
  }

  for (const command of place.commands) {
    test(`${command} that dies anywhere leaves the old schema or the new one, and all keys`, async (t) => {
      const { points = 0, left } = await attempt({ command })
      assert.equal(left, 'new')
      assert.ok(points > 100, `${points} points`)
      const deaths = spread(points, points).map((point) => ({ command, after: point }))
      const ends = await attemptAll(deaths, effort, attempt)
      const died = ends.filter((end) => end.points === undefined)
      assert.ok(died.length >= effort.least, `only ${died.length} deaths`)
      const old = died.filter((end) => end.left === 'old').length
      t.diagnostic(`${died.length} deaths at ${points} points, ${old} before the commit`)
    })
  }
}
