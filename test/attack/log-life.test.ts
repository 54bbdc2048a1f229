// A realm dies between any two words of its beginning and its end: the next start says what came before it, and the
// verifier finds nothing that it cannot explain. And without what is kept outside the database none goes on.

import assert from 'node:assert/strict'
import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, test } from 'node:test'
import { Findings } from '../../src/audit/findings.ts'
import { Story } from '../../src/audit/story.ts'
import { loadSettings } from '../../src/config/index.ts'
import { Fault } from '../../src/fault.ts'
import { openRealm, type Realm } from '../../src/main/assembly.ts'
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
  const dying = { ...realm, ledger: { commit: () => Promise.reject(new Fault('test.killed')) } }
  const dead: Realm = {
    ...realm,
    ledger: {
      commit: async (work) => {
        await realm.ledger.commit(work)
        throw new Fault('test.killed')
      },
    },
  }
  const at = death === 'before its first entry' ? dying : dead
  if (death === 'none' || death === 'before its last') {
    const part = lifePart(realm, configFile)
    await part.start()
    if (death === 'none') return part.stop()
  } else await assert.rejects(lifePart(at, configFile).start(), Fault)
  await realm.store.close()
}

const verdict = async () => {
  const realm = await open()
  const entries = await realm.store.read((tx) => tx.audit.read(0, 1000))
  await realm.store.close()
  const findings = new Findings()
  const story = new Story(findings)
  for (const { sequence, body } of entries) story.add(sequence, body)
  story.end()
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
