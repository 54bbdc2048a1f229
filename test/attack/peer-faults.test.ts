// Thousands of questions between two realms, through the core and directly, of which one in twenty meets a fault. Every one of them
// ends in time, with its own answer or a documented refusal; afterwards nothing is left of any.
// KEYREALM_PEER_CALLS=10000 runs ten thousand, KEYREALM_SEED=N the same ones again.

import assert from 'node:assert/strict'
import { readdirSync } from 'node:fs'
import { afterEach, describe, test } from 'node:test'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import type { PeerDomain } from '../../src/federation/index.ts'
import { isRefusal } from '../../src/refusal.ts'
import { makeFlaky } from '../support/flaky-core.ts'
import { openFlakyWire } from '../support/flaky-wire.ts'
import {
  ACME,
  codeOf,
  GLOBEX,
  makeCore,
  makePeerPapers,
  makeRealm,
  until,
} from '../support/peer-world.ts'

const CALLS = Number(process.env['KEYREALM_PEER_CALLS'] ?? 1000)
const SEED = Number(process.env['KEYREALM_SEED'] ?? Date.now() % 2 ** 31)
const AT_ONCE = 24
const CONNECTIONS = 8
const ANSWER_WITHIN_MS = 1500
/** Real clients ask again then. */
const CLIENTS_WAIT_MS = 6000
const FAULTS = ['abort', 'cut', 'silent', 'half', 'late', 'changed'] as const
type Fault = (typeof FAULTS)[number]
const FAULT_SHARE = 0.05
const BIG = 'k'.repeat(60_000)

/** Of what a federated question may end in when wires break; anything else is a bug. */
const DOCUMENTED = new Set([
  'answered',
  'federation.peer-broken',
  'federation.peer-timed-out',
  'federation.peer-unreachable',
  'federation.peer-busy',
  'federation.answer-malformed',
])

setFlagsFromString('--expose-gc')
const collect: () => void = runInNewContext('gc')

/** mulberry32: the same seed, the same faults. */
const randomOf = (seed: number) => {
  let state = seed
  return (): number => {
    state = (state + 0x6d2b79f5) | 0
    let t = Math.imul(state ^ (state >>> 15), 1 | state)
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32
  }
}

interface Body {
  readonly n: number
  readonly fault: Fault | undefined
}

const bodyOf = (raw: unknown): Body => {
  if (typeof raw !== 'object' || raw === null || !('n' in raw))
    throw new Error('no question of ours')
  const fault = 'fault' in raw ? FAULTS.find((one) => one === raw.fault) : undefined
  return { n: Number(raw.n), fault }
}

/** Each breaks something that is under way; `pick` says what. */
type Breaks = Readonly<Record<Fault, (pick: number) => void>>

const closers: (() => unknown)[] = []
afterEach(async () => {
  for (const close of closers.splice(0)) await close()
})

/** What the test itself remembers of each question. */
const forget = (...realms: readonly ReturnType<typeof makeRealm>[]): void => {
  for (const { asked, refused } of realms) {
    asked.length = 0
    refused.length = 0
  }
}

const openRealms = async (random: () => number) => {
  const core = makeCore()
  const { papers, anchors } = await makePeerPapers()
  let breaks: Breaks | undefined
  const serve = async (_peer: unknown, { body }: { readonly body: unknown }) => {
    const { n, fault } = bodyOf(body)
    if (fault !== undefined) breaks?.[fault](Math.floor(random() * 1000))
    if (n % 100 === 0) forget(globex)
    if (fault === 'late')
      await new Promise((resolve) => setTimeout(resolve, ANSWER_WITHIN_MS * 1.3))
    return { status: 200, body: fault === 'half' ? { n, big: BIG } : { n } }
  }
  const limits = {
    // Room enough that who waits behind a silent stream is few.
    link: {
      ...{ answerWithinMs: ANSWER_WITHIN_MS, pingEveryMs: 200, pingWithinMs: 200 },
      connectionsPerPeer: CONNECTIONS,
    },
    server: {
      ...{ requestWithinMs: 3 * ANSWER_WITHIN_MS, idleMs: 2000 },
      ...{ perPeer: 4 * CONNECTIONS, handshakes: 64, handshakesOfOne: 64 },
    },
  }
  const globex = makeRealm({
    ...{ core, domain: GLOBEX, leaf: papers.globex.leaf, anchors, serve, ...limits },
  })
  const onBreak = (to: Breaks): void => {
    breaks = to
  }
  return { core, papers, anchors, globex, limits, onBreak }
}

interface Asker {
  ask(to: PeerDomain, body: unknown): Promise<object>
}

const askAll = async (calls: number, { ask }: Asker, random: () => number) => {
  const outcomes = new Map<string, number>()
  let faults = 0
  let slowestMs = 0
  let next = 0
  const worker = async (): Promise<void> => {
    while (next < calls) {
      const n = next++
      const isFaulty = random() < FAULT_SHARE
      const fault = isFaulty ? FAULTS[Math.floor(random() * FAULTS.length)] : undefined
      faults += isFaulty ? 1 : 0
      const since = performance.now()
      const reply = await ask(GLOBEX, { n, fault })
      slowestMs = Math.max(slowestMs, performance.now() - since)
      const code = codeOf(reply)
      outcomes.set(code, (outcomes.get(code) ?? 0) + 1)
      assert.ok(DOCUMENTED.has(code), code)
      if (!isRefusal(reply) && 'body' in reply) assert.equal(bodyOf(reply.body).n, n)
    }
  }
  await Promise.all(Array.from({ length: AT_ONCE }, worker))
  return { outcomes, faults, slowestMs: Math.round(slowestMs) }
}

const heldNow = () => {
  collect()
  const { heapUsed, arrayBuffers } = process.memoryUsage()
  const resources = process.getActiveResourcesInfo()
  return {
    memory: heapUsed + arrayBuffers,
    sockets: resources.filter((one) => one.startsWith('TCP')).length,
    timers: resources.filter((one) => one === 'Timeout').length,
    files: readdirSync('/proc/self/fd').length,
  }
}

/** Memory may grow by so much in all, however many questions there were. */
const GROWTH_MOST_BYTES = 6 * 2 ** 20

const assertNothingHeld = async (before: ReturnType<typeof heldNow>): Promise<void> => {
  await until(() => {
    const { sockets, timers, files } = heldNow()
    return sockets <= before.sockets && timers <= before.timers && files <= before.files
  })
  const grown = heldNow().memory - before.memory
  console.log(`  grown by ${Math.round(grown / 1024)} kB`)
  assert.ok(grown < GROWTH_MOST_BYTES, `${grown} bytes are held`)
}

const report = (way: string, { outcomes, faults, slowestMs }: Awaited<ReturnType<typeof askAll>>) =>
  console.log(
    `  ${way}: seed ${SEED}, ${CALLS} questions, ${faults} faults, slowest ${slowestMs} ms,`,
    JSON.stringify(Object.fromEntries(outcomes)),
  )

const assertServed = ({ outcomes, slowestMs }: Awaited<ReturnType<typeof askAll>>): void => {
  assert.ok(slowestMs < CLIENTS_WAIT_MS, `a question took ${slowestMs} ms`)
  // A fault breaks what else waits for its connection too, and a cut line everything; most go through all the same.
  assert.ok((outcomes.get('answered') ?? 0) > CALLS * 0.7, 'too few were answered')
}

describe('after thousands of questions, one in twenty of which met a fault', () => {
  test('nothing is left of those that went through the core', async () => {
    const random = randomOf(SEED)
    const { core, globex, papers, anchors, limits, onBreak } = await openRealms(random)
    const acme = makeRealm({
      core,
      domain: ACME,
      leaf: papers.acme.leaf,
      anchors,
      ...limits,
    })
    closers.push(acme.close, globex.close)
    const flaky = makeFlaky(core)
    onBreak({
      abort: flaky.abort,
      silent: flaky.silence,
      half: () => flaky.half(ACME),
      changed: flaky.change,
      late: () => undefined,
      cut(pick) {
        // A line takes all its streams with it: not every time.
        if (pick % 4 > 0) return
        const realm = pick % 8 === 0 ? acme : globex
        realm.cutLine()
        realm.dialAgain()
      },
    })
    await askAll(Math.min(300, CALLS), acme, random)
    acme.hangUp()
    await until(() => globex.server.connections === 0)
    flaky.forget()
    const before = heldNow()
    const result = await askAll(CALLS, acme, random)
    report('through the core', result)
    assertServed(result)
    assert.ok(acme.link.connections <= CONNECTIONS)
    acme.hangUp()
    await until(() => acme.link.connections + globex.server.connections === 0)
    await until(() => core.relay.open + acme.streams.count + globex.streams.count === 0)
    await until(() => acme.told() + globex.told() === 0)
    flaky.forget()
    forget(acme, globex)
    await assertNothingHeld(before)
  })

  test('nothing is left of those that went directly', async () => {
    const random = randomOf(SEED)
    const { core, globex, papers, anchors, limits, onBreak } = await openRealms(random)
    const listener = await globex.listen()
    const wire = await openFlakyWire(listener)
    closers.push(globex.close, wire.close, listener.close)
    const direct = new Map([[GLOBEX as string, wire]])
    const acme = makeRealm({
      core,
      domain: ACME,
      leaf: papers.acme.leaf,
      anchors,
      direct,
      ...limits,
    })
    closers.push(acme.close)
    onBreak({
      abort: wire.reset,
      silent: wire.silence,
      half: (pick) => wire.half(pick, 20_000),
      // TCP changes nothing on the way; what does would break the connection.
      changed: wire.reset,
      late: () => undefined,
      cut(pick) {
        if (pick % 4 === 0) wire.cutAll()
      },
    })
    await askAll(Math.min(300, CALLS), acme, random)
    acme.hangUp()
    await until(() => globex.server.connections === 0)
    const before = heldNow()
    const result = await askAll(CALLS, acme, random)
    report('directly', result)
    assertServed(result)
    acme.hangUp()
    await until(() => acme.link.connections + globex.server.connections === 0)
    await until(() => acme.told() + globex.told() === 0)
    wire.cutAll()
    forget(acme, globex)
    await assertNothingHeld(before)
    await wire.close()
    listener.close()
    await until(() => heldNow().sockets === 0)
  })
})
