// Two realms federate, and one of them is killed at a call of its store, in whatever they do together: a key is copied, a key is bound
// abroad through the core, somebody is removed and the peer told, what became of keys is told back, somebody leaves through the core.
// Afterwards no key was given without an entry, no bind is half, every operation has one end on both sides, whoever was removed reads
// nothing, and both logs say the same of every key that came.
//   KEYREALM_EVERY_CRASH=1 tries every call.

import assert from 'node:assert/strict'
import { copyFileSync, existsSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { type PeerDifference, reconcilePeers } from '../../src/audit/index.ts'
import type { CorePart, MessagesFrame } from '../../src/boundary/index.ts'
import type { OperationAnswer } from '../../src/kms/index.ts'
import { openStore, type StoreSettings } from '../../src/store/index.ts'
import { type Device, type Json, newOperationId } from '../support/device.ts'
import { ACME_DOMAIN, GLOBEX_DOMAIN, TwoRealms } from '../support/two-realms.ts'
import { aRoom, keysOf, PEOPLE } from '../support/world.ts'
import { ACME, GLOBEX } from '../unit/identity/world.ts'
import { attemptAll, isExhaustive, spread } from './crash/deaths.ts'
import { readLog } from './crash/log.ts'
import { PeerLives } from './crash/peer-life.ts'
import type { PeerCall } from './crash/peer-realm.ts'

const EFFORT = { budgetMs: 15_000, least: 2 }
const DOMAINS = [ACME_DOMAIN, GLOBEX_DOMAIN] as const
type Domain = (typeof DOMAINS)[number]

interface Scene {
  readonly signingKey: Readonly<Record<Domain, Json>>
  readonly alice: Device
  readonly gina: Device
  readonly olivia: Device
  readonly roomKey: string
  readonly resource: string
  /** An unbound key of Gina's. */
  readonly toBind: string
}

const scratch = mkdtempSync(join(tmpdir(), 'keyrealm-crash-peers-'))
const fileOf = (name: string, domain: string) => join(scratch, name, domain, 'realm.sqlite')
const storesOf = (name: string): Readonly<Record<Domain, StoreSettings>> => {
  for (const domain of DOMAINS)
    mkdirSync(join(scratch, name, domain), { recursive: true, mode: 0o700 })
  const store = (domain: Domain) => ({ kind: 'sqlite', file: fileOf(name, domain) }) as const
  return { [ACME_DOMAIN]: store(ACME_DOMAIN), [GLOBEX_DOMAIN]: store(GLOBEX_DOMAIN) }
}
const copyOf = (name: string): Readonly<Record<Domain, StoreSettings>> => {
  const stores = storesOf(name)
  for (const domain of DOMAINS) {
    for (const part of ['', '-wal']) {
      const from = `${fileOf('prepared', domain)}${part}`
      if (existsSync(from)) copyFileSync(from, `${fileOf(name, domain)}${part}`)
    }
  }
  return stores
}

let scene: Scene
before(async () => {
  const realms = await TwoRealms.open({ stores: storesOf('prepared') })
  const alice = await realms.acme.signedIn('alice')
  const gina = await realms.globex.signedIn('gina')
  const olivia = await realms.globex.signedIn('olivia', { organization_id: GLOBEX })
  const { key, resource } = await aRoom(alice, [PEOPLE.gina, PEOPLE.olivia])
  const [toBind] = keysOf(await gina.ask('create', '/keys', { count: 1 }))
  const [acmeKey] = realms.acme.realm.provider.jwks.keys
  const [globexKey] = realms.globex.realm.provider.jwks.keys
  assert.ok(toBind && acmeKey && globexKey)
  const signingKey = { [ACME_DOMAIN]: acmeKey, [GLOBEX_DOMAIN]: globexKey }
  const room = { roomKey: key.uri, resource: resource.uri }
  scene = { signingKey, alice, gina, olivia, ...room, toBind: toBind.uri }
  await realms.close()
})
after(() => rmSync(scratch, { recursive: true, force: true }))

const startLives = (stores: Readonly<Record<Domain, StoreSettings>>, death?: Death): PeerLives =>
  new PeerLives(
    DOMAINS.map((domain) => ({
      domain,
      organizationId: domain === ACME_DOMAIN ? ACME : GLOBEX,
      store: stores[domain],
      signingKey: scene.signingKey[domain],
      ...(death?.domain === domain ? { dieAfter: death.after } : {}),
    })),
    scratch,
  )

interface Death {
  readonly domain: Domain
  readonly after: number
}

/** The core, and everybody who speaks through it. */
class Core {
  readonly lives: PeerLives
  readonly ends = new Map<string, string>()

  constructor(lives: PeerLives) {
    this.lives = lives
  }

  async #post(domain: Domain, frame: MessagesFrame): Promise<OperationAnswer | undefined> {
    const call: PeerCall = { do: 'post', frame }
    return (await this.lives.call(domain, call)) as OperationAnswer | undefined
  }

  /** Asked until there is an answer, as a client does that sees its line break. */
  async ask(
    who: Device,
    domain: Domain,
    method: string,
    uri: string,
    fields: Json = {},
  ): Promise<Json> {
    for (;;) {
      const sealed = await who.seal(who.request({ method, uri, ...fields }))
      const answered = await this.#post(domain, frameOf(who, sealed))
      const sent = answered?.answers[0]?.kmsMessage
      if (sent === undefined) continue
      const answer = await who.open(sent)
      if (Number(answer['status']) < 500) return answer
    }
  }

  /** What a core does: asks again if the line broke, then has the room's realm say how it ended. */
  async operate(who: Device, domain: Domain, request: Json, part: Omit<CorePart, 'user'>) {
    const id = newOperationId()
    const sealed = await who.seal(who.request(request))
    const frame: MessagesFrame = {
      ...frameOf(who, sealed),
      ...{ id, sync: true, part: { user: who.who.userId, ...part } },
    }
    const said = (await this.#post(domain, frame)) ?? (await this.#post(domain, frame))
    const end = await this.settle(frame, domain)
    const status = said?.answers[0]?.clear?.status ?? 0
    if (status >= 200 && status < 300) assert.match(end, /^20/, 'granted, and not done at home')
    this.ends.set(id, end)
    assert.equal(await this.settle(frame, domain), end, 'an operation with two ends')
    return end
  }

  async settle(frame: MessagesFrame, domain: Domain): Promise<string> {
    const { part: _part, ...own } = frame
    const what: PeerCall = { do: 'settle', frame: domain === ACME_DOMAIN ? own : frame }
    for (;;) {
      const ended = (await this.lives.call(ACME_DOMAIN, what)) as OperationAnswer | undefined
      if (ended !== undefined) return ended.declined ?? String(ended.answers[0]?.clear?.status)
    }
  }

  async both(what: PeerCall): Promise<void> {
    for (const domain of DOMAINS) await this.lives.call(domain, what)
  }
}

const frameOf = ({ who }: Device, sealed: string): MessagesFrame => ({
  type: 'messages',
  id: newOperationId(),
  sync: false,
  httpUser: who.userId,
  httpDevice: who.clientId,
  trackingId: `crash_${newOperationId()}`,
  kmsMessages: [sealed],
})

const removalOf = (resource: string, userId: string) =>
  [
    { method: 'delete', uri: `${resource}/authorizations?authId=${userId}` },
    { operation: 'delete-authorizations', resourceUri: resource, subjects: [userId] },
  ] as const

/** Everything that two realms do together, each thing once. */
const liveTogether = async (core: Core) => {
  const { alice, gina, olivia, roomKey, resource, toBind } = scene
  await core.ask(gina, GLOBEX_DOMAIN, 'retrieve', roomKey)
  await core.ask(olivia, GLOBEX_DOMAIN, 'retrieve', roomKey)
  const binding = { method: 'update', uri: toBind, resourceUri: resource }
  const bindPart = { operation: 'bind-key', resourceUri: resource, keyUris: [toBind] } as const
  const bound = await core.operate(gina, GLOBEX_DOMAIN, binding, bindPart)
  const removed = await core.operate(alice, ACME_DOMAIN, ...removalOf(resource, PEOPLE.olivia))
  await core.both({ do: 'work' })
  await core.both({ do: 'advance', ms: 600_000 })
  await core.both({ do: 'work' })
  if (bound.startsWith('20')) await core.ask(alice, ACME_DOMAIN, 'retrieve', toBind)
  const left = await core.operate(gina, GLOBEX_DOMAIN, ...removalOf(resource, PEOPLE.gina))
  for (let round = 0; round < 3; round += 1) {
    await core.both({ do: 'advance', ms: 600_000 })
    await core.both({ do: 'work' })
  }
  return { bound, removed, left }
}

type Ends = Awaited<ReturnType<typeof liveTogether>>

const readTwo = async (core: Core, { removed, left }: Ends): Promise<void> => {
  const { gina, olivia, roomKey } = scene
  for (const [who, end] of [
    [olivia, removed],
    [gina, left],
  ] as const) {
    const { status } = await core.ask(who, GLOBEX_DOMAIN, 'retrieve', roomKey)
    assert.equal(status, end.startsWith('20') ? 403 : 200)
  }
}

const inspect = async (
  stores: Readonly<Record<Domain, StoreSettings>>,
  { bound }: Ends,
  didDie: boolean,
): Promise<void> => {
  const acme = await openStore(stores[ACME_DOMAIN])
  const globex = await openStore(stores[GLOBEX_DOMAIN])
  try {
    const uri = scene.toBind as never
    const key = (await globex.read((tx) => tx.keys.find([uri]))).get(uri)
    const recorded = (await acme.read((tx) => tx.copies.foreignKeys([uri]))).get(uri)
    const there = key?.state === 'bound' ? key.resourceUri : undefined
    assert.equal(there, recorded?.resourceUri, 'half a bind')
    assert.equal(there !== undefined, bound.startsWith('20'), 'a bind that the core was not told')
    for (const store of [acme, globex]) {
      assert.equal(await store.read((tx) => tx.debts.countOwed()), 0, 'a withdrawal is owed still')
      assert.equal(await store.read((tx) => tx.receipts.countOwed()), 0, 'a use is owed still')
      await store.read(readLog)
    }
    const differences: PeerDifference[] = []
    const readOf = (store: typeof acme) =>
      async function* () {
        yield* await store.read((tx) => tx.audit.read(0, 1_000_000))
      }
    await reconcilePeers(
      { domain: ACME_DOMAIN, read: readOf(acme) },
      { domain: GLOBEX_DOMAIN, read: readOf(globex) },
      (one) => differences.push(one),
    )
    // What a realm gave to one that died before it could say so is named, and that is true.
    const untrue = differences.filter(({ what }) => what !== 'given' || !didDie)
    assert.deepEqual(untrue, [])
  } finally {
    await acme.close()
    await globex.close()
  }
}

let copies = 0
const attempt = async (death?: Death) => {
  copies += 1
  const name = `copy-${copies}`
  const stores = copyOf(name)
  const lives = startLives(stores, death)
  const core = new Core(lives)
  try {
    const ends = await liveTogether(core)
    await readTwo(core, ends)
    await core.both({ do: 'advance', ms: 600_000 })
    await core.both({ do: 'work' })
    const points = DOMAINS.map((domain) => lives.pointsOf(domain))
    await lives.end()
    await inspect(stores, ends, lives.deaths > 0)
    rmSync(join(scratch, name), { recursive: true })
    return { points, ends, deaths: lives.deaths }
  } catch (error) {
    throw new Error(`died ${JSON.stringify(death)}`, { cause: error })
  } finally {
    await lives.end()
  }
}

for (const [index, domain] of DOMAINS.entries()) {
  const whose = index === 0 ? 'the room’s realm' : 'the guest’s realm'
  test(`${whose}, killed at any call of its store`, async (t) => {
    const whole = await attempt()
    assert.deepEqual(whole.ends, { bound: '200', removed: '200', left: '200' })
    const points = whole.points[index] ?? 0
    assert.ok(points > 100, 'the points are not counted')
    const deaths = spread(points - 1, isExhaustive ? points : 120).map((after) => ({
      domain,
      after,
    }))
    const came = await attemptAll(deaths, EFFORT, attempt)
    const died = came.filter((one) => one.deaths > 0)
    assert.ok(died.length >= EFFORT.least, `only ${died.length} deaths`)
    const ends = died.flatMap((one) => Object.values(one.ends))
    const withdrawn = ends.filter((end) => !end.startsWith('20')).length
    t.diagnostic(
      `${died.length} deaths at ${points} calls: ${withdrawn} of ${ends.length} withdrawn`,
    )
  })
}
