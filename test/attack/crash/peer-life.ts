// Two realms as processes and what stands between them: the core, the line, and whoever starts a dead one again. A call to a
// realm that dies is undefined; a question to one is answered as a line that broke.

import assert from 'node:assert/strict'
import { type ChildProcess, fork } from 'node:child_process'
import { join } from 'node:path'
import type { PeerCall, PeerMessage, PeerOrders } from './peer-realm.ts'

const PROGRAM = `${import.meta.dirname}/peer-realm.ts`

interface Realm {
  readonly child: ChildProcess
  readonly ready: Promise<void>
  readonly waiting: Map<number, (value: unknown) => void>
  points: number
  isDead: boolean
}

export class PeerLives {
  readonly #orders: Readonly<Record<string, PeerOrders>>
  readonly #scratch: string
  readonly #realms = new Map<string, Realm>()
  #calls = 0
  /** How often one of them has died. */
  deaths = 0

  constructor(orders: readonly PeerOrders[], scratch: string) {
    this.#orders = Object.fromEntries(orders.map((one) => [one.domain, one]))
    this.#scratch = scratch
    for (const { domain } of orders) this.#realms.set(domain, this.#start(domain))
  }

  #start(domain: string, isSecond = false): Realm {
    const { dieAfter, ...rest } = this.#ordersOf(domain)
    const orders = isSecond || dieAfter === undefined ? rest : { ...rest, dieAfter }
    const child = fork(PROGRAM, [JSON.stringify(orders)], {
      env: { ...process.env, TMPDIR: this.#scratch, NODE_COMPILE_CACHE: join(this.#scratch, 'c') },
    })
    const { promise: ready, resolve } = Promise.withResolvers<void>()
    const realm: Realm = { child, ready, waiting: new Map(), points: 0, isDead: false }
    child.on('message', (message: PeerMessage) => {
      if (message.kind === 'ready') return resolve()
      if (message.kind === 'ask') return void this.#carry(domain, realm, message)
      realm.points = message.points
      realm.waiting.get(message.call)?.(message.value)
      realm.waiting.delete(message.call)
    })
    child.once('close', () => {
      realm.isDead = true
      resolve()
      for (const end of realm.waiting.values()) end(undefined)
      realm.waiting.clear()
    })
    return realm
  }

  #ordersOf(domain: string): PeerOrders {
    const orders = this.#orders[domain]
    assert.ok(orders)
    return orders
  }

  #realm(domain: string): Realm {
    const realm = this.#realms.get(domain)
    assert.ok(realm)
    return realm
  }

  async #carry(
    from: string,
    asker: Realm,
    { ask, to, question }: PeerMessage & { kind: 'ask' },
  ): Promise<void> {
    const broken = { refused: 'federation.peer-broken' }
    const reply = (await this.#say(to, { do: 'serve', from, question })) ?? broken
    if (!asker.isDead) asker.child.send({ kind: 'answer', ask, reply })
  }

  async #say(domain: string, what: PeerCall): Promise<unknown> {
    const realm = this.#realm(domain)
    await realm.ready
    if (realm.isDead) return undefined
    this.#calls += 1
    const call = this.#calls
    const { promise, resolve } = Promise.withResolvers<unknown>()
    realm.waiting.set(call, resolve)
    realm.child.send({ kind: 'call', call, what })
    return await promise
  }

  /** Undefined if the realm dies of it; whoever is dead is started again first. */
  async call(domain: string, what: PeerCall): Promise<unknown> {
    for (const name of this.#realms.keys()) {
      if (!this.#realm(name).isDead) continue
      this.deaths += 1
      this.#realms.set(name, this.#start(name, true))
    }
    return await this.#say(domain, what)
  }

  pointsOf(domain: string): number {
    return this.#realm(domain).points
  }

  async end(): Promise<void> {
    const ends = [...this.#realms.values()].map(async ({ child, isDead }) => {
      if (isDead) return
      const closed = new Promise((resolve) => child.once('close', resolve))
      child.kill('SIGKILL')
      await closed
    })
    await Promise.all(ends)
  }
}
