// Two realms in this process, joined by a link that passes a proven domain: acme, where Alice, Bob and Carol are at home, and globex,
// where Gina is. The link can be cut, slowed and lied on; whatever crosses is JSON text, as on a wire.

import type {
  FederationPolicy,
  PeerConnectionFacts,
  PeerDomain,
  PeerLink,
  PeerQuestion,
  PeerReply,
} from '../../src/federation/index.ts'
import { oweUses, pushWithdrawals, tellUses } from '../../src/federation/index.ts'
import type { IndexedStore } from '../../src/indexer/index.ts'
import { retryBinds } from '../../src/kms/index.ts'
import { type Refusal, refuse } from '../../src/refusal.ts'
import type { StoreSettings } from '../../src/store/index.ts'
import { type Duration, type Instant, seconds } from '../../src/time.ts'
import { ACME, GLOBEX, organization } from '../unit/identity/world.ts'
import { World } from './world.ts'

export const ACME_DOMAIN = 'kms.acme.example'
export const GLOBEX_DOMAIN = 'kms.globex.example'
/** Proves another name than it should. */
export const MALLORY_DOMAIN = 'kms.mallory.example'

export const CONNECTION: PeerConnectionFacts = {
  tlsGroup: 'X25519MLKEM768',
  carrier: 'relayed',
  certificateSha256: 'ab'.repeat(32),
}

export const somePolicy = (changes: Partial<FederationPolicy> = {}): FederationPolicy => ({
  mode: 'open',
  listed: new Set(),
  claims: 'open',
  authorizationFreshFor: seconds(5),
  offlineGraceFor: seconds(0),
  patience: seconds(4.5),
  ...changes,
})

export interface Crossing {
  readonly from: string
  readonly to: string
  readonly question: PeerQuestion
  /** Until when the answer is waited for. */
  readonly deadline: Instant
}

type Deliver = () => Promise<PeerReply | Refusal>
/** Stands on the line: passes on, refuses, or answers in the peer's place. */
export type OnLine = (crossing: Crossing, deliver: Deliver) => Promise<PeerReply | Refusal>

const asOnWire = <Value>(value: Value): Value => JSON.parse(JSON.stringify(value))

export interface TwoRealmsOptions {
  readonly acme?: Partial<FederationPolicy>
  readonly globex?: Partial<FederationPolicy>
  /** Where they keep what they know; in folders that go with them unless told. */
  readonly stores?: Readonly<Record<string, StoreSettings>>
  /** Puts something between a realm and its store. */
  readonly wrapStore?: (store: IndexedStore, domain: string) => IndexedStore
}

export class TwoRealms {
  readonly crossings: Crossing[] = []
  onLine: OnLine = (_crossing, deliver) => deliver()
  #worlds = new Map<string, World>()

  static async open(options: TwoRealmsOptions = {}): Promise<TwoRealms> {
    const realms = new TwoRealms()
    const { wrapStore, stores } = options
    const open = (domain: string, id: string, policy?: Partial<FederationPolicy>) =>
      World.open({
        settings: { domain, organizations: [organization(id)] },
        federation: { policy: somePolicy(policy), link: realms.linkOf(domain) },
        ...(stores?.[domain] === undefined ? {} : { store: stores[domain] }),
        ...(wrapStore === undefined ? {} : { wrapStore: (store) => wrapStore(store, domain) }),
      })
    realms.#worlds.set(ACME_DOMAIN, await open(ACME_DOMAIN, ACME, options.acme))
    realms.#worlds.set(GLOBEX_DOMAIN, await open(GLOBEX_DOMAIN, GLOBEX, options.globex))
    return realms
  }

  #world(domain: string): World {
    const world = this.#worlds.get(domain)
    if (world === undefined) throw new Error(`no realm ${domain}`)
    return world
  }

  get acme(): World {
    return this.#world(ACME_DOMAIN)
  }

  get globex(): World {
    return this.#world(GLOBEX_DOMAIN)
  }

  linkOf(from: string): PeerLink {
    return {
      ask: async (to, question, deadline) => {
        const crossing = { from, to, question: asOnWire(question), deadline }
        this.crossings.push(crossing)
        const reply = await this.onLine(crossing, () => this.askAs(from, to, question))
        return 'refused' in reply ? reply : { ...asOnWire(reply), connection: CONNECTION }
      },
    }
  }

  /** As if a certificate had proved `from`. */
  async askAs(from: string, to: string, question: PeerQuestion): Promise<PeerReply | Refusal> {
    const serve = this.#worlds.get(to)?.realm.servePeer
    if (serve === undefined) return refuse('federation.unknown-host', to)
    const peer = { domain: from as PeerDomain, connection: CONNECTION }
    return serve(peer, asOnWire(question))
  }

  cut(): void {
    this.onLine = async ({ to }) => refuse('federation.peer-unreachable', to)
  }

  heal(): void {
    this.onLine = (_crossing, deliver) => deliver()
  }

  advance(duration: Duration): void {
    for (const world of this.#worlds.values()) world.advance(duration)
  }

  /** What the jobs of a running realm do now and then. */
  async work(domain: string): Promise<void> {
    const world = this.#world(domain)
    const { ledger, realm, store } = world
    const link = this.linkOf(domain)
    const now = () => world.now()
    const { statements: signer } = realm
    const parts = { store, ledger, link, now, domain, signer }
    await pushWithdrawals({ ...parts, newTrackingId: () => 'withdrawal_1' })
    const uses = { ...parts, newTrackingId: () => 'uses_1' }
    while (await oweUses(uses));
    await tellUses(uses)
    const { foreign } = realm
    if (foreign !== undefined) await retryBinds({ store, ledger, foreign }, now(), 'bind_1')
  }

  async close(): Promise<void> {
    for (const world of this.#worlds.values()) await world.close()
  }
}
