// A realm dies between any two words of its beginning and its end: the next start says what came before it, and the
// verifier finds nothing that it cannot explain. And without what is kept outside the database none goes on.

import assert from 'node:assert/strict'
import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, test } from 'node:test'
import Sqlite from 'better-sqlite3'
import { Findings } from '../../src/audit/findings.ts'
import { EMPTY_TREE, grow } from '../../src/audit/integrate.ts'
import { leafOf } from '../../src/audit/publish.ts'
import { Story } from '../../src/audit/story.ts'
import { loadSettings } from '../../src/config/index.ts'
import { Fault } from '../../src/fault.ts'
import { openRealm, type Realm, record } from '../../src/main/assembly.ts'
import { createAuditCommands } from '../../src/main/audit-commands.ts'
import { ownDigests } from '../../src/main/own-files.ts'
import { lifePart } from '../../src/main/process-life.ts'
import { acceptRestore, refuseRestored } from '../../src/main/restored.ts'
import { aSettingsValue, changed } from '../unit/config/example.ts'

const CHECKPOINT = 'realm.example/log\n0\n47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=\n'

let folder: string
let configFile: string
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'keyrealm-life-'))
  configFile = join(folder, 'realm.json')
  writeFileSync(configFile, JSON.stringify(changed(aSettingsValue(), ['store'], STORE)))
  mkdirSync(loadSettings(configFile).realm.stateDirectory, { recursive: true })
})
afterEach(() => rmSync(folder, { recursive: true, force: true }))

const STORE = { kind: 'sqlite', file: 'realm.sqlite' }
const open = (): Promise<Realm> => openRealm(loadSettings(configFile))

type Death = 'none' | 'before its first entry' | 'after its first entry' | 'before its last'

/** A start that dies there. */
const live = async (death: Death): Promise<void> => {
  const realm = await open()
  const die = () => Promise.reject(new Fault('test.killed'))
  const dying = { ...realm, ledger: { commit: die, commitNumbered: die } }
  const dead: Realm = {
    ...realm,
    ledger: {
      commit: async (work) => {
        await realm.ledger.commit(work)
        throw new Fault('test.killed')
      },
      commitNumbered: die,
    },
  }
  const at = death === 'before its first entry' ? dying : dead
  if (death === 'none' || death === 'before its last') {
    const part = lifePart(realm, ownDigests(configFile))
    await part.start()
    if (death === 'none') return part.stop()
  } else await assert.rejects(lifePart(at, ownDigests(configFile)).start(), Fault)
  await realm.store.close()
}

const verdict = async () => {
  const realm = await open()
  const entries = await realm.store.read((tx) => tx.audit.read(0, 1000))
  await realm.store.close()
  const findings = new Findings()
  const story = new Story(findings)
  for (const { sequence, body } of entries) story.add(sequence, body)
  story.end('realm.example/log')
  return findings.report()
}

describe('a realm that dies', () => {
  test('wherever it does, leaves no gap that the next start does not explain', async () => {
    const deaths: readonly Death[] = [
      'none',
      'before its first entry',
      'none',
      'after its first entry',
      'none',
      'before its first entry',
      'after its first entry',
      'before its first entry',
      'before its last',
      'none',
    ]
    for (const death of deaths) await live(death)
    const { findings, notes } = await verdict()
    assert.deepEqual(findings, [])
    assert.equal(notes.filter((note) => note.includes('did not end cleanly')).length, 3)
  })
})

describe('without the checkpoint kept outside the database', () => {
  test('a realm that has published does not go on, but as another log', async () => {
    const realm = await open()
    const kept = join(realm.settings.realm.stateDirectory, 'log-checkpoint')
    const refusal = (code: string) => (error: unknown) => Object(error).code === code
    try {
      await refuseRestored(realm)
      await realm.store.transact(async (tx) => {
        const head = await tx.tree.head()
        const next = { ...head, checkpoint: `${CHECKPOINT}\n— realm.example/log AAAAAAA=\n` }
        await tx.tree.advance({ before: 0, tiles: [], head: next }, realm.now())
      })
      await assert.rejects(refuseRestored(realm), refusal('audit.log-unkept'))
      assert.equal(await acceptRestore(realm), undefined)
      await refuseRestored(realm)
      const { generation } = await realm.store.read((tx) => tx.tree.head())
      assert.deepEqual([generation, existsSync(kept)], [2, false])
    } finally {
      await realm.store.close()
    }
  })
})

describe('a database from before an earlier restore', () => {
  test('goes on under a name that no log of this realm had', async () => {
    const realm = await open()
    const { domain, stateDirectory } = realm.settings.realm
    writeFileSync(
      join(stateDirectory, 'log-checkpoint'),
      CHECKPOINT.replace(/.*/, `${domain}/log/5`),
    )
    try {
      assert.match((await acceptRestore(realm)) ?? '', /evidence/)
      assert.equal((await realm.store.read((tx) => tx.tree.head())).generation, 6)
    } finally {
      await realm.store.close()
    }
  })
})

describe('whoever looks into a database in which somebody worked', () => {
  const published = async (): Promise<void> => {
    const realm = await open()
    const act = { action: 'test.happened', outcome: 'done', actor: { kind: 'system' } } as const
    await record(realm, act, act, act)
    await realm.store.transact(async (tx) => {
      const { tiles } = grow(EMPTY_TREE, (await tx.audit.read(0, 9)).map(leafOf))
      const head = { ...(await tx.tree.head()), size: 3, checkpoint: CHECKPOINT }
      await tx.tree.advance({ before: 0, tiles, head }, realm.now())
    })
    await realm.store.close()
  }
  const onDisk = (sql: string): void => {
    const database = new Sqlite(join(folder, 'realm.sqlite'))
    database.exec(sql)
    database.close()
  }

  test('is shown what is there, and told that it is not what was published', async () => {
    await published()
    const said: string[] = []
    const output = { out: () => undefined, error: (text: string) => void said.push(text) }
    const commands = createAuditCommands(output)
    const page = { config: configFile, after: 0, limit: 100 }
    const look = async () => [
      await commands.auditShow(page),
      await commands.auditSearch({ ...page, action: 'test.happened' }),
      said.splice(0).join(''),
    ]
    assert.deepEqual(await look(), [0, 0, ''])
    const message = (sequence: number) =>
      `keyrealm: entry ${sequence} is not the one that was published, or is missing\n`.repeat(2)
    onDisk("update audit_entries set body = 'no JSON' where sequence = 2")
    assert.deepEqual(await look(), [1, 1, message(2)])
    onDisk('delete from audit_entries where sequence < 3')
    assert.deepEqual(await look(), [1, 1, message(1)])
    onDisk('delete from audit_entries')
    assert.deepEqual(await look(), [1, 1, message(1)])
  })
})
