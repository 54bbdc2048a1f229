// New keys for the log. Whoever pinned the old ones finds the new ones by what the old ones vouched for; a rotation that
// nobody recorded, a key that was taken out of use, and a voucher that is not one are refused, by auditors and witnesses.

import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import {
  LogWitness,
  openCheckpoint,
  parseCheckpoint,
  parseInclusion,
  parseNote,
  proveConsistency,
  rotationPath,
  signCheckpoint,
  type VerifierKey,
  verifierKeyOf,
} from '../../src/audit/index.ts'
import { encodeBase64 } from '../../src/audit/note.ts'
import { formatInclusion } from '../../src/audit/proof.ts'
import {
  generateSigningKey,
  type SigningKey,
  signingKeyFrom,
  systemRandom,
} from '../../src/crypto/index.ts'
import { type LogKey, retireLogKeys, rotateLogKeys } from '../../src/kms/index.ts'
import { seconds } from '../../src/time.ts'
import {
  bodiesOf,
  forge,
  type Mirror,
  mirrorOf,
  noteOf,
  verdictOf,
  verifyMirror,
} from '../support/mirror.ts'
import { someWitnessKeys } from '../support/witnesses.ts'
import { ORIGIN, World } from '../support/world.ts'

const WHOLE = { isIntact: true, isComplete: true, where: [] }
const FIRST = rotationPath(1)
const text = (bytes: Uint8Array | undefined) => new TextDecoder().decode(bytes)

let world: World
/** Pinned before anything changed, and what each step left. */
let pinned: readonly VerifierKey[]
let newest: readonly VerifierKey[]
let oldSigners: readonly SigningKey[]
let beginning: Mirror
let together: Mirror
let retired: Mirror

const vkeysOf = (keys: readonly LogKey[]) => keys.map((key) => verifierKeyOf(ORIGIN, key))
const happen = (count: number): Promise<void> =>
  world.ledger.commit(async () => ({
    result: undefined,
    acts: Array.from({ length: count }, () => ({
      ...({ action: 'test.happened', type: 'PROCESS', outcome: 'done' } as const),
      actor: { kind: 'system' } as const,
    })),
  }))
const rotate = async (): Promise<readonly LogKey[]> => {
  const { keyring, settings } = world.realm
  const minting = { keyring, random: systemRandom, organizationId: settings.organizations[0] }
  const made = await rotateLogKeys(world.ledger, minting)
  assert.ok(made)
  return made
}

before(async () => {
  world = await World.open()
  await happen(300)
  const first = await mirrorOf(world)
  beginning = first.mirror
  pinned = first.keys
  oldSigners = world.realm.logKeys.signing ?? []
  newest = vkeysOf(await rotate())
  assert.equal((await retireLogKeys(world.ledger)).did, 'not-vouched-for')
  await happen(10)
  together = (await mirrorOf(world)).mirror
  assert.equal((await retireLogKeys(world.ledger)).did, 'retired')
  assert.equal((await retireLogKeys(world.ledger)).did, 'nothing-to-retire')
  await happen(10)
  retired = (await mirrorOf(world)).mirror
})
after(() => world.close())

const copy = (mirror: Mirror): Mirror => new Map(mirror)
const verdict = (mirror: Mirror, keys: readonly VerifierKey[], check = {}) =>
  verdictOf(verifyMirror(mirror, keys, check))
const older = () => [{ name: 'kept', note: noteOf(beginning) }]

describe('a rotation of the log’s keys', () => {
  test('goes unseen by auditors of both keys while both sign', () => {
    for (const keys of [pinned, newest, [...pinned, ...newest]]) {
      assert.deepEqual(verdict(together, keys), WHOLE)
    }
    assert.equal(parseNote(noteOf(together))?.signatures.length, 4)
  })

  test('leads whoever pinned the old keys to the new ones, when they sign alone', () => {
    assert.equal(openCheckpoint(noteOf(retired), pinned), 'not-signed')
    assert.deepEqual(verdict(retired, pinned, { older: older() }), WHOLE)
    assert.deepEqual(verdict(retired, [...pinned, ...newest]), WHOLE)
    assert.deepEqual(verdict(retired, newest), WHOLE)
    assert.equal(parseNote(noteOf(retired))?.signatures.length, 2)
  })

  test('leaves nobody a private part of the old keys', async () => {
    const stored = await world.store.read((tx) => tx.logKeys.all('log'))
    assert.deepEqual(vkeysOf(stored), newest)
  })

  test('is done by every node: one that knows the old keys signs nothing any more', async () => {
    const other = await World.open()
    await other.publish()
    const { logKeys, publisher, keyring, settings } = other.realm
    const stale = logKeys.signing
    const minting = { keyring, random: systemRandom, organizationId: settings.organizations[0] }
    assert.ok(await rotateLogKeys(other.ledger, minting))
    assert.equal(await rotateLogKeys(other.ledger, minting), undefined, 'one at a time')
    assert.deepEqual(await publisher.step(), { did: 'published', entries: 1, isMore: false })
    assert.notEqual(logKeys.signing, stale)
    const { checkpoint } = await other.store.read((tx) => tx.tree.head())
    assert.equal(parseNote(checkpoint)?.signatures.length, 4)
    await other.close()
  })

  test('can follow another', async () => {
    const third = vkeysOf(await rotate())
    await world.publish()
    assert.equal((await retireLogKeys(world.ledger)).did, 'retired')
    const { mirror } = await mirrorOf(world)
    assert.equal(openCheckpoint(noteOf(mirror), newest), 'not-signed')
    for (const keys of [pinned, newest, third]) assert.deepEqual(verdict(mirror, keys), WHOLE)
    assert.deepEqual(verdict(mirror, pinned, { older: older() }), WHOLE)
  })
})

/** The adversary has keys of their own, and all that the realm ever published. */
const someKeys = (): readonly SigningKey[] =>
  (['ed25519', 'ml-dsa-44'] as const).map((name) => signingKeyFrom(name, generateSigningKey(name)))
const nowSeconds = () => Math.floor(world.now() / 1000)

const REFUSED = { isIntact: false, isComplete: false, where: ['the checkpoint'] }

describe('an operator who', () => {
  test('signs with other keys, of which the log knows nothing, is refused', () => {
    const forged = forge(bodiesOf(retired), someKeys(), nowSeconds())
    forged.set(FIRST, retired.get(FIRST) ?? new Uint8Array())
    assert.deepEqual(verdict(forged, pinned), REFUSED)
  })

  test('gives auditors such keys to pin is found out by the log itself', () => {
    const keys = someKeys()
    const forged = forge(bodiesOf(retired), keys, nowSeconds())
    const found = verdict(
      forged,
      keys.map((key) => verifierKeyOf(ORIGIN, key)),
    )
    assert.deepEqual([found.isIntact, found.where], [false, ['the checkpoint']])
  })

  test('hides what vouches for the new keys is not believed', () => {
    const mirror = copy(retired)
    mirror.delete(FIRST)
    assert.deepEqual(verdict(mirror, pinned), REFUSED)
  })

  test('goes on with the old keys is found out', () => {
    const forged = forge(bodiesOf(retired), oldSigners, nowSeconds())
    const found = verdict(forged, pinned)
    assert.deepEqual([found.isIntact, found.where], [false, ['the checkpoint']])
  })

  test('vouches by an entry of another kind, or by a checkpoint of other keys, is not believed', () => {
    const voucher = parseInclusion(text(retired.get(FIRST)))
    assert.ok(voucher?.extra)
    const keys = someKeys()
    const head = parseCheckpoint(parseNote(voucher.checkpoint)?.text ?? '')
    assert.ok(head)
    const byOthers = { ...voucher, checkpoint: signCheckpoint(head, keys, nowSeconds()) }
    const named = text(voucher.extra).replaceAll(
      /"(ed25519|ml-dsa-44)":"[^"]+"/g,
      (_all, algorithm: string) => {
        const key = keys.find((one) => one.algorithm === algorithm)
        return `"${algorithm}":"${encodeBase64(key?.publicKey ?? new Uint8Array())}"`
      },
    )
    const others = { ...voucher, extra: new TextEncoder().encode(named) }
    for (const proof of [byOthers, others, { ...voucher, index: voucher.index - 1 }]) {
      const forged = forge(bodiesOf(retired), keys, nowSeconds())
      forged.set(FIRST, new TextEncoder().encode(formatInclusion(proof)))
      assert.deepEqual(verdict(forged, pinned), REFUSED)
    }
  })

  test('vouches in one history and goes on in another meets the voucher', async () => {
    const { mirror } = await mirrorOf(world)
    const bodies = bodiesOf(mirror)
    const rewritten = bodies.with(20, (bodies[20] ?? '').replace('test.happened', 'test.tampered'))
    const forged = forge(rewritten, world.realm.logKeys.signing ?? [], nowSeconds())
    for (const [path, bytes] of mirror) if (path.startsWith('rotation/')) forged.set(path, bytes)
    const found = verdict(forged, pinned)
    assert.equal(found.isIntact, false)
    assert.ok(
      found.where.some((where) => where.startsWith(`${FIRST}, of size`)),
      `${found.where}`,
    )
  })
})

test('a witness goes on while one of the keys that it knows signs, and refuses when none does', async () => {
  const realm = await World.open()
  const witnessWorld = await World.open()
  const { keys: old } = await realm.publish()
  const knowing = (logs: readonly VerifierKey[]) =>
    new LogWitness({
      logs,
      ledger: witnessWorld.ledger,
      signer: () => someWitnessKeys('witness.example'),
      disputesEvery: seconds(60),
    })
  const sizes: number[] = [0]
  const show = async (witness: LogWitness) => {
    const proof = await realm.store.read((tx) => proveConsistency(tx, sizes.at(-1) ?? 0))
    const answer = await witness.addCheckpoint(proof ?? '')
    sizes.push((await realm.store.read((tx) => tx.tree.head())).size)
    return 'refused' in answer ? answer.refused : Object.keys(answer)[0]
  }
  assert.equal(await show(knowing(old)), 'cosignatures')
  const { keyring, settings } = realm.realm
  const minting = { keyring, random: systemRandom, organizationId: settings.organizations[0] }
  const made = await rotateLogKeys(realm.ledger, minting)
  await realm.publish()
  assert.equal(await show(knowing(old)), 'cosignatures', 'both sign')
  assert.equal((await retireLogKeys(realm.ledger)).did, 'retired')
  await realm.publish()
  assert.equal(await show(knowing(old)), 'key-refused')
  sizes.pop()
  const told = knowing([...old, ...vkeysOf(made ?? [])])
  assert.equal(await show(told), 'cosignatures', 'its operator has pinned the new ones as well')
  await Promise.all([realm.close(), witnessWorld.close()])
})
