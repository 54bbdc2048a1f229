// One of two realms that federate, as a process of its own, which kills itself (SIGKILL) at the point it was told. Whoever started
// it is the core and the line between the realms: clients' messages, peers' questions and the clock come over its channel, and what it
// asks of its peer goes the same way. What has been sent by the time it is dead has left the realm.
//   fork('peer-realm.ts', ['{"domain":…,"organizationId":…,"store":…,"signingKey":…,"dieAfter":12}'])

import type { MessagesFrame } from '../../../src/boundary/index.ts'
import {
  oweUses,
  type PeerDomain,
  type PeerLink,
  type PeerQuestion,
  type PeerReply,
  pushWithdrawals,
  tellUses,
} from '../../../src/federation/index.ts'
import {
  type OperationAnswer,
  operationAnswer,
  retryBinds,
  withdrawOperation,
} from '../../../src/kms/index.ts'
import type { Refusal } from '../../../src/refusal.ts'
import type { StoreSettings } from '../../../src/store/index.ts'
import { type Duration, milliseconds } from '../../../src/time.ts'
import { CONNECTION, somePolicy } from '../../support/two-realms.ts'
import { World } from '../../support/world.ts'
import { organization } from '../../unit/identity/world.ts'
import { watching } from './watched-store.ts'

export interface PeerOrders {
  readonly domain: string
  readonly organizationId: string
  readonly store: StoreSettings
  /** Public key of whoever signs the tokens. */
  readonly signingKey: Readonly<Record<string, unknown>>
  /** How many points it survives; all of them if absent. */
  readonly dieAfter?: number
}

/** What it is told to do. */
export type PeerCall =
  | { readonly do: 'post'; readonly frame: MessagesFrame }
  | { readonly do: 'settle'; readonly frame: MessagesFrame }
  | { readonly do: 'serve'; readonly from: string; readonly question: PeerQuestion }
  | { readonly do: 'work' }
  | { readonly do: 'advance'; readonly ms: number }

export type PeerMessage =
  | { readonly kind: 'ready' }
  | {
      readonly kind: 'done'
      readonly call: number
      readonly value: unknown
      readonly points: number
    }
  | {
      readonly kind: 'ask'
      readonly ask: number
      readonly to: string
      readonly question: PeerQuestion
    }

type Told =
  | { readonly kind: 'call'; readonly call: number; readonly what: PeerCall }
  | { readonly kind: 'answer'; readonly ask: number; readonly reply: PeerReply | Refusal }

const orders: PeerOrders = JSON.parse(process.argv[2] ?? '{}')
let isArmed = false
let points = 0
const watchRun = watching(() => {
  if (!isArmed) return
  if (points === orders.dieAfter) process.kill(process.pid, 'SIGKILL')
  points += 1
})

const say = (message: PeerMessage): void => void process.send?.(message)
const waiting = new Map<number, (reply: PeerReply | Refusal) => void>()
let asks = 0
const link: PeerLink = {
  async ask(to, question) {
    asks += 1
    const { promise, resolve } = Promise.withResolvers<PeerReply | Refusal>()
    waiting.set(asks, resolve)
    say({ kind: 'ask', ask: asks, to, question })
    const reply = await promise
    return 'refused' in reply ? reply : { ...reply, connection: CONNECTION }
  },
}

const world = await World.open({
  settings: { domain: orders.domain, organizations: [organization(orders.organizationId)] },
  store: orders.store,
  federation: { policy: somePolicy(), link },
  wrapStore: (store) => ({
    transact: watchRun((work) => store.transact(work)),
    read: watchRun((work) => store.read(work)),
  }),
})
world.realm.provider.jwks.keys.splice(0, Number.POSITIVE_INFINITY, { ...orders.signingKey })

const work = async (): Promise<void> => {
  const { ledger, store, realm } = world
  const now = () => world.now()
  const parts = { store, ledger, link, now, domain: orders.domain, signer: realm.statements }
  const read = watchRun((look) => store.read(look))
  const watched = { ...parts, store: { read, transact: store.transact.bind(store) } }
  await pushWithdrawals({ ...watched, newTrackingId: () => 'crash_w' })
  while (await oweUses({ ...watched, newTrackingId: () => 'crash_u' }));
  await tellUses({ ...watched, newTrackingId: () => 'crash_u' })
  const { foreign } = realm
  if (foreign !== undefined) await retryBinds({ ...watched, foreign }, now(), 'crash_b')
}

const answer = async (what: PeerCall): Promise<unknown> => {
  const { corridor, servePeer } = world.realm
  switch (what.do) {
    case 'post':
      return what.frame.sync
        ? await corridor.operate(what.frame)
        : ({ answers: await corridor.handle(what.frame) } satisfies OperationAnswer)
    case 'settle':
      return operationAnswer(await withdrawOperation(world.ledger, what.frame.id, what.frame.part))
    case 'serve':
      return await servePeer?.(
        { domain: what.from as PeerDomain, connection: CONNECTION },
        what.question,
      )
    case 'work':
      return await work()
    case 'advance':
      return world.advance(milliseconds(what.ms) as Duration)
  }
}

process.on('message', (told: Told) => {
  if (told.kind === 'answer') return waiting.get(told.ask)?.(told.reply)
  isArmed = true
  void answer(told.what).then((value) => {
    say({ kind: 'done', call: told.call, value: value ?? null, points })
  })
})
say({ kind: 'ready' })
