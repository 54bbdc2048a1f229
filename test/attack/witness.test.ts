// The operator forks the log, restores a copy or replays a signature; a witness lies, dawdles or floods. Whoever is
// honest notices, and nobody's keys or log wait for it.

import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import type { ServerResponse } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { before, describe, test, after as whenDone } from 'node:test'
import Sqlite from 'better-sqlite3'
import {
  cosign,
  openCheckpoint,
  parseCheckpoint,
  parseNote,
  proveConsistency,
  servedCheckpoint,
  servedWitnessed,
  type VerifierKey,
  type Witnesses,
} from '../../src/audit/index.ts'
import { formatConsistency, parseConsistency } from '../../src/audit/proof.ts'
import { leafHash } from '../../src/audit/tree.ts'
import { after, milliseconds, seconds } from '../../src/time.ts'
import { bodiesOf, forge, type Mirror, mirrorOf, noteOf } from '../support/mirror.ts'
import {
  askedBy,
  type RunningWitness,
  someWitnessKeys,
  startLiar,
  startWitness,
  type WitnessKeys,
  witnessOn,
} from '../support/witnesses.ts'
import { ORIGIN, World } from '../support/world.ts'

const FIRST = someWitnessKeys('first.example/witness')
const SECOND = someWitnessKeys('second.example/witness')

let world: World
let peer: World
let keys: readonly VerifierKey[]
let honest: RunningWitness

const fill = (count = 3, where = world): Promise<void> =>
  where.ledger.commit(async () => ({
    result: undefined,
    acts: Array.from({ length: count }, () => ({
      action: 'test.happened',
      outcome: 'done' as const,
      actor: { kind: 'system' as const },
    })),
  }))
const grown = async (): Promise<string> => {
  await fill()
  return (await world.publish()).note
}
const sizeIn = (note: string): number => Number(note.split('\n')[1])
const codesOf = async (witnesses: Witnesses) => (await witnesses.round()).map(({ code }) => code)
const actions = async (where = world) => (await where.entries()).map(({ action }) => action)
const post = (url: string, body: string) => fetch(`${url}/add-checkpoint`, { method: 'POST', body })
const answerTo = async (url: string, body: string) => {
  const answer = await post(url, body)
  return {
    status: answer.status,
    type: answer.headers.get('content-type'),
    body: await answer.text(),
  }
}

before(async () => {
  world = await World.open()
  peer = await World.open()
  keys = (await world.publish()).keys
  honest = await startWitness(peer, FIRST, keys)
})
whenDone(async () => {
  await honest.stop()
  await world.close()
  await peer.close()
})

describe('a witness of a peer', () => {
  test('co-signs what grows, and both notes that are served carry it', async () => {
    const witnesses = askedBy(world, [witnessOn(honest.url, FIRST.verifiers[0])])
    await grown()
    assert.deepEqual(await codesOf(witnesses), [])
    const note = await grown()
    world.advance(seconds(61))
    assert.deepEqual(await codesOf(witnesses), [])
    const served = await world.store.read(servedCheckpoint)
    assert.ok(served.startsWith(note) && served.includes('— first.example/witness '))
    assert.notEqual(typeof openCheckpoint(served, keys), 'string', 'the log’s own still verify')
    const witnessed = await world.store.read(servedWitnessed)
    assert.deepEqual([witnessed?.size, witnessed?.note], [sizeIn(note), served])
    const newer = await grown()
    assert.equal(await world.store.read(servedCheckpoint), newer, 'nobody has seen it yet')
    assert.equal((await world.store.read(servedWitnessed))?.size, sizeIn(note))
  })

  test('answers each mistake as tlog-witness says', async () => {
    const note = await grown()
    await askedBy(world, [witnessOn(honest.url, FIRST.verifiers[1])]).round()
    const size = sizeIn(note)
    const newer = await grown()
    const body = (index: number, checkpoint: string, hashes: Uint8Array[] = []) =>
      formatConsistency({ index, hashes, checkpoint })
    const status = async (raw: string) => (await post(honest.url, raw)).status
    assert.deepEqual(await answerTo(honest.url, body(0, newer)), {
      status: 409,
      type: 'text/x.tlog.size',
      body: `${size}\n`,
    })
    assert.equal(await status(body(size, newer)), 422, 'no proof')
    assert.equal(await status(body(size, newer, [leafHash(Buffer.from('no'))])), 422)
    assert.equal(await status(body(sizeIn(newer) + 1, newer)), 400)
    assert.equal(await status('old 0\n\nno checkpoint\n'), 400)
    assert.equal(await status(body(0, newer, Array(64).fill(leafHash(Buffer.from(''))))), 400)
    assert.equal(await status(body(0, newer.replace(ORIGIN, 'other.example/log'))), 404)
    assert.equal(await status(body(0, newer.replace(`\n${sizeIn(newer)}\n`, '\n9999\n'))), 403)
    assert.equal(await status('x'.repeat(100_000)), 413)
    assert.equal((await fetch(`${honest.url}/add-checkpoint`)).status, 405)
    peer.realm.keyring.lock()
    assert.equal(await status(body(size, newer)), 503)
    await peer.realm.unlock()
    assert.equal((await peer.store.read((tx) => tx.witnesses.seen(ORIGIN)))?.size, size)
  })

  test('is sent the proof for what it knows after it says so', async () => {
    const note = await grown()
    const witnesses = askedBy(world, [witnessOn(honest.url, FIRST.verifiers[1])])
    await world.store.transact(async (tx) => {
      for (const state of await tx.witnesses.states()) {
        await tx.witnesses.put({ ...state, size: 0, line: '' })
      }
    })
    assert.deepEqual(await codesOf(witnesses), [])
    assert.equal((await world.store.read(servedWitnessed))?.size, sizeIn(note))
  })

  test('and its peer witness each other without end', async () => {
    const { keys: peerKeys } = await peer.publish()
    const back = await startWitness(
      world,
      SECOND,
      peerKeys.map((key) => ({ ...key })),
    )
    const there = askedBy(world, [witnessOn(honest.url, FIRST.verifiers[0])])
    const here = askedBy(peer, [witnessOn(back.url, SECOND.verifiers[0])])
    const sizes: number[][] = []
    for (let turn = 0; turn < 3; turn++) {
      world.advance(seconds(61))
      peer.advance(seconds(61))
      for (const one of [world, peer]) await one.publish()
      assert.deepEqual([await codesOf(there), await codesOf(here)], [[], []])
      sizes.push([(await world.entries()).length, (await peer.entries()).length])
    }
    assert.deepEqual(sizes[2], sizes[0], 'co-signing itself leaves no entries to be co-signed')
    await back.stop()
  })

  test('of two requests at once co-signs one history', async () => {
    const note = await grown()
    const seen = await peer.store.read((tx) => tx.witnesses.seen(ORIGIN))
    const { mirror } = await mirrorOf(world)
    const fork = forged(mirror, (bodies) => bodies.toSpliced(-1, 1, '{"other":true}'))
    const raw = await proofFor(seen?.size ?? 0)
    const other = raw.replace(parseConsistency(raw)?.checkpoint ?? '', noteOf(fork))
    const statuses = await Promise.all([raw, other, raw, other].map((one) => post(honest.url, one)))
    assert.equal(statuses.filter(({ status }) => status === 200).length, 1)
    assert.equal((await peer.store.read((tx) => tx.witnesses.seen(ORIGIN)))?.size, sizeIn(note))
  })
})

const proofFor = async (old: number): Promise<string> => {
  return (await world.store.read((tx) => proveConsistency(tx, old))) ?? ''
}
const forged = (mirror: Mirror, change: (bodies: string[]) => string[]): Mirror =>
  forge(
    change([...bodiesOf(mirror)]),
    world.realm.logKeys.signing ?? [],
    Math.floor(world.now() / 1000),
  )

describe('an operator who', () => {
  test('forks the log is not co-signed on the branch, and leaves both signed notes as evidence', async () => {
    await askedBy(world, [witnessOn(honest.url, FIRST.verifiers[0])]).round()
    const note = await grown()
    world.advance(seconds(61))
    await askedBy(world, [witnessOn(honest.url, FIRST.verifiers[0])]).round()
    const { mirror } = await mirrorOf(world)
    const fork = forged(mirror, (bodies) => bodies.with(5, '{"never":"happened"}'))
    const size = sizeIn(note)
    const shown = formatConsistency({ index: size, hashes: [], checkpoint: noteOf(fork) })
    peer.advance(seconds(61))
    const entries = (await peer.entries()).length
    assert.deepEqual(await answerTo(honest.url, shown), {
      status: 409,
      type: 'text/x.tlog.size',
      body: `${size}\n`,
    })
    for (let again = 0; again < 5; again++) await post(honest.url, shown)
    const [said, ...more] = (await peer.entries()).slice(entries)
    assert.equal(more.length, 0, 'insisting on it does not fill the witness’s log')
    assert.equal(said?.action, 'witness.fork-refused')
    const { checkpoint, seenCheckpoint } = Object(said?.['details'])
    const opened = [checkpoint, seenCheckpoint].map((one) => openCheckpoint(one ?? '', keys))
    const roots = opened.map((one) => (typeof one === 'string' ? one : [one.size, `${one.root}`]))
    assert.equal(roots[0]?.[0], roots[1]?.[0])
    assert.notEqual(roots[0]?.[1], roots[1]?.[1])
  })

  test('lets the realm ask for a forked branch gets an alarm and goes on releasing keys', async () => {
    const { mirror } = await mirrorOf(world)
    const fork = forged(mirror, (bodies) => bodies.with(5, '{"never":"happened"}'))
    const liar = await World.open()
    const other = await startWitness(liar, SECOND, keys)
    const first = formatConsistency({ index: 0, hashes: [], checkpoint: noteOf(fork) })
    assert.equal((await post(other.url, first)).status, 200)
    const witnesses = askedBy(world, [witnessOn(other.url, SECOND.verifiers[0])])
    assert.deepEqual(await codesOf(witnesses), ['witness.disputes'])
    assert.ok((await actions()).includes('log.witness-disputes'))
    await grown()
    world.advance(seconds(400))
    assert.deepEqual(await codesOf(witnesses), [], 'it is said once, not again and again')
    const device = await world.signedIn('alice')
    assert.equal((await device.ask('create', '/keys', { count: 1 }))['status'], 201)
    await other.stop()
    await liar.close()
  })

  test('restores yesterday’s copy is told by the witness that there was more', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'keyrealm-witness-'))
    const file = join(folder, 'realm.sqlite')
    const realm = await World.open({ store: { kind: 'sqlite', file } })
    const { keys: own } = await realm.publish()
    const outsider = await World.open()
    const witness = await startWitness(outsider, SECOND, own)
    await new Sqlite(file).backup(join(folder, 'copy.sqlite'))
    await fill(9, realm)
    await realm.publish()
    const ask = [witnessOn(witness.url, SECOND.verifiers[0])]
    assert.deepEqual(await codesOf(askedBy(realm, ask)), [])
    const size = (await realm.store.read((tx) => tx.tree.head())).size
    await realm.close()

    const restored = await World.open({
      store: { kind: 'sqlite', file: join(folder, 'copy.sqlite') },
    })
    await restored.publish()
    const before = (await restored.store.read((tx) => tx.tree.head())).size
    assert.ok(before < size)
    assert.deepEqual(await codesOf(askedBy(restored, ask)), ['witness.ahead'])
    const said = await restored.lastEntry()
    const { claimedSize } = said['details'] as Record<string, number>
    assert.deepEqual([said.action, claimedSize], ['log.witness-ahead', size])
    await witness.stop()
    await restored.close()
    await outsider.close()
    rmSync(folder, { recursive: true, force: true })
  })

  test('puts an old cosignature on a new note fools nobody', async () => {
    const late = someWitnessKeys('late.example/witness')
    const old = parseNote(await grown())?.text ?? ''
    const checkpoint = parseCheckpoint(old)
    assert.ok(checkpoint !== undefined)
    const lines = cosign(old, checkpoint, late, Math.floor(world.now() / 1000))
    await grown()
    const replaying = await startLiar((_, outgoing) => outgoing.end(lines))
    for (const key of late.verifiers) {
      const witnesses = askedBy(world, [witnessOn(replaying.url, key)])
      assert.deepEqual(await codesOf(witnesses), ['witness.bad-cosignature'])
    }
    await replaying.stop()
  })
})

describe('a witness that', () => {
  let count = 0
  /** What comes of asking one that nobody has asked before. */
  const outcome = async (
    answer: (body: string, outgoing: ServerResponse, own: WitnessKeys) => void,
    whose: 0 | 1 = 0,
  ) => {
    await grown()
    const own = someWitnessKeys(`liar-${count++}.example/witness`)
    const liar = await startLiar((body, outgoing) => answer(body, outgoing, own))
    const asked = [witnessOn(liar.url, own.verifiers[whose], milliseconds(300))]
    const codes = await codesOf(askedBy(world, asked))
    await liar.stop()
    return { codes, asked: liar.asked }
  }
  const cosigned = (body: string, signer: WitnessKeys, change = (text: string) => text) => {
    const text = change(parseNote(parseConsistency(body)?.checkpoint ?? '')?.text ?? '')
    const checkpoint = parseCheckpoint(text)
    assert.ok(checkpoint !== undefined)
    return cosign(text, checkpoint, signer, Math.floor(world.now() / 1000))
  }

  test('signs with another key, or another tree, is not believed', async () => {
    const larger = (text: string) => text.replace(/\n\d+\n/, '\n99999\n')
    for (const whose of [0, 1] as const) {
      const good = await outcome((body, out, own) => out.end(cosigned(body, own)), whose)
      assert.deepEqual(good.codes, [], 'as it should be')
      const strange = await outcome((body, out) => out.end(cosigned(body, SECOND)), whose)
      assert.deepEqual(strange.codes, ['witness.bad-cosignature'])
      const other = await outcome((body, out, own) => out.end(cosigned(body, own, larger)), whose)
      assert.deepEqual(other.codes, ['witness.bad-cosignature'])
    }
  })

  test('answers garbage, redirects, floods, dawdles or is gone only fails to co-sign', async () => {
    const cases: readonly [string, (_: string, outgoing: ServerResponse) => void][] = [
      ['witness.bad-cosignature', (_, outgoing) => outgoing.end('— nobody AAAA\n')],
      ['witness.bad-cosignature', (_, outgoing) => outgoing.end()],
      ['witness.refused', (_, outgoing) => outgoing.writeHead(302, { location: '/' }).end()],
      ['witness.refused', (_, outgoing) => outgoing.writeHead(409).end('many\n')],
      ['witness.refused', (_, outgoing) => outgoing.writeHead(409).end('1\n')],
      ['witness.refused', (_, outgoing) => outgoing.writeHead(500).end()],
      ['witness.unknown-log', (_, outgoing) => outgoing.writeHead(404).end()],
      ['witness.key-refused', (_, outgoing) => outgoing.writeHead(403).end()],
      ['witness.too-often', (_, outgoing) => outgoing.writeHead(429).end()],
      ['witness.ahead', (_, outgoing) => outgoing.writeHead(409).end('999999999\n')],
      ['witness.oversized', (_, outgoing) => outgoing.end('x'.repeat(10_000_000))],
      ['witness.timed-out', () => undefined],
      ['witness.timed-out', (_, outgoing) => void outgoing.write('— slow')],
      ['witness.unreachable', (_, outgoing) => outgoing.destroy()],
    ]
    for (const [code, answer] of cases) {
      const { codes, asked } = await outcome(answer)
      assert.deepEqual(codes, [code])
      assert.ok(asked.length <= 2 && asked.every((one) => one === 'POST /add-checkpoint'))
    }
  })

  test('says that it signed long ago is not fresh', async () => {
    const stale = someWitnessKeys('stale.example/witness')
    await grown()
    const liar = await startLiar((body, outgoing) => {
      const text = parseNote(parseConsistency(body)?.checkpoint ?? '')?.text ?? ''
      const checkpoint = parseCheckpoint(text)
      assert.ok(checkpoint !== undefined)
      outgoing.end(cosign(text, checkpoint, stale, Math.floor(world.now() / 1000) - 3600))
    })
    const witnesses = askedBy(world, [witnessOn(liar.url, stale.verifiers[0])])
    assert.deepEqual(await codesOf(witnesses), ['witness.wrong-clock'])
    await liar.stop()
  })

  test('does not answer is asked less and less, and the others make the quorum without it', async () => {
    const [gone, extra] = [someWitnessKeys('gone.example/w'), someWitnessKeys('extra.example/w')]
    const silent = await startLiar((_, outgoing) => outgoing.destroy())
    const third = await World.open()
    const second = await startWitness(third, extra, keys)
    const both = [
      witnessOn(honest.url, FIRST.verifiers[0]),
      witnessOn(second.url, extra.verifiers[0]),
      witnessOn(silent.url, gone.verifiers[0]),
    ]
    const witnesses = askedBy(world, both, 2)
    const note = await grown()
    world.advance(seconds(61))
    for (const one of [peer, third]) one.advance(milliseconds(world.now() - one.now()))
    await witnesses.round()
    assert.equal((await world.store.read(servedWitnessed))?.size, sizeIn(note))
    for (let second = 0; second < 600; second += 5) {
      world.advance(seconds(5))
      await witnesses.round()
    }
    const { length } = silent.asked
    assert.ok(length < 12, `${length} times in ten minutes`)
    await world.store.transact(async (tx) => {
      const states = await tx.witnesses.states()
      const state = states.find(({ witness }) => witness.startsWith(gone.name))
      assert.ok(state !== undefined)
      await tx.witnesses.put({ ...state, triedAt: after(world.now(), seconds(3600)) })
    })
    await witnesses.round()
    assert.equal(silent.asked.length, length + 1, 'a clock turned back does not spare it the hour')
    await silent.stop()
    await second.stop()
    await third.close()
  })
})
