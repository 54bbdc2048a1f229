// A realm that acts on the core's half of operations, as the core may expect of any: one outcome for one id, however
// often it is asked, and none for what was withdrawn. It lives outside the core's process and outlives its lines.
// It opens nothing; a kmsMessage that says `refuse` is refused, one that says `garbage` gets silence.

import assert from 'node:assert/strict'
import type { CorePart, MessagesFrame } from '../../../src/boundary/index.ts'
import { connectRealm, type Dial, type FakeRealm } from './fake-realm.ts'
import { createInbox, type Inbox } from './inbox.ts'

/** A compact text that names the device's sealed answer. */
export const sealedAnswer = (says: string): string => `a..${says}.c.d`

export interface Asked {
  readonly id: string
  readonly part: CorePart
  readonly kmsMessage: string
}

export interface ActingRealm {
  readonly domain: string
  /** Every question, also repeated ones. */
  readonly asked: Asked[]
  /** The same, to wait for. */
  readonly questions: Inbox<Asked>
  readonly withdrawn: string[]
  readonly withdrawals: Inbox<string>
  /** By resource: who is authorised. */
  readonly authorized: Map<string, Set<string>>
  /** By resource: the keys bound to it, oldest first. */
  readonly bound: Map<string, string[]>
  /** `in-order`, or what it does instead of answering questions. */
  mode: 'in-order' | 'silent' | 'applies-and-is-silent' | 'locked' | 'overloaded' | 'bare'
  /** False while it does not even answer withdrawals. */
  withdraws: boolean
  /** The resource that it answers with instead of a new one. */
  alias: string | undefined
  /** Another realm has had this done here, for its user. */
  passedOn(frame: MessagesFrame): void
  /** A new line to the core. */
  dial(dial: Dial): Promise<FakeRealm>
}

interface Outcome {
  readonly status: number
  readonly resourceUri?: string
}

const DEVICE = 'https://core.test/wdm/api/v1/devices/1'

export const createActingRealm = (domain: string, organizationId: string): ActingRealm => {
  const outcomes = new Map<string, Outcome | 'withdrawn'>()
  const realm = {
    domain,
    asked: [] as Asked[],
    questions: createInbox<Asked>(),
    withdrawn: [] as string[],
    withdrawals: createInbox<string>(),
    authorized: new Map<string, Set<string>>(),
    bound: new Map<string, string[]>(),
    mode: 'in-order' as ActingRealm['mode'],
    withdraws: true,
    alias: undefined as string | undefined,
  }
  let resources = 0

  const nextResource = (): string => {
    resources += 1
    return `kms://${domain}/resources/${resources}`
  }
  const apply = (part: CorePart): Outcome => {
    const { operation, subjects = [], keyUris = [] } = part
    const resourceUri = part.resourceUri ?? realm.alias ?? nextResource()
    const authorized = realm.authorized.get(resourceUri) ?? new Set()
    realm.authorized.set(resourceUri, authorized)
    realm.bound.set(resourceUri, [...(realm.bound.get(resourceUri) ?? []), ...keyUris])
    if (operation === 'delete-authorizations') for (const id of subjects) authorized.delete(id)
    if (!operation.startsWith('create-')) return { status: 200 }
    for (const id of subjects) authorized.add(id)
    return { status: 201, resourceUri }
  }
  const settle = ({ id, part, kmsMessage }: Asked): Outcome | 'withdrawn' => {
    const known = outcomes.get(id)
    if (known !== undefined) return known
    const outcome = kmsMessage.includes('refuse') ? { status: 403 } : apply(part)
    outcomes.set(id, outcome)
    return outcome
  }
  const say = (line: FakeRealm, id: string, outcome: Outcome | 'withdrawn', isBare: boolean) => {
    if (outcome === 'withdrawn') {
      return line.say({ type: 'answers', id, answers: [], declined: 'rooms.withdrawn' })
    }
    const sealed = { deliverTo: DEVICE, kmsMessage: sealedAnswer(`says-${outcome.status}`) }
    const answer = { n: 0, clear: outcome, ...(isBare ? {} : sealed) }
    line.say({ type: 'answers', id, answers: [answer] })
  }
  const answer = (line: FakeRealm, question: Asked): void => {
    const { id, kmsMessage } = question
    if (realm.mode === 'locked' || realm.mode === 'overloaded') {
      const declined = realm.mode === 'locked' ? 'kms.locked' : 'channel.overloaded'
      return line.say({ type: 'answers', id, answers: [], declined })
    }
    if (realm.mode === 'silent') return
    if (kmsMessage.includes('garbage')) return line.say({ type: 'answers', id, answers: [] })
    const outcome = settle(question)
    if (realm.mode !== 'applies-and-is-silent') say(line, id, outcome, realm.mode === 'bare')
  }
  const toAsked = ({ id, part, kmsMessages }: MessagesFrame): Asked => {
    if (part === undefined) throw new Error('an operation must say what the core is about to do')
    return { id, part, kmsMessage: kmsMessages[0] ?? '' }
  }
  const serve = async (line: FakeRealm): Promise<void> => {
    for (;;) {
      const question = toAsked(await line.posts.take())
      realm.asked.push(question)
      realm.questions.put(question)
      answer(line, question)
    }
  }
  const serveWithdrawals = async (line: FakeRealm): Promise<void> => {
    for (;;) {
      const { id, part } = await line.withdrawals.take()
      if (!realm.withdraws) continue
      realm.withdrawn.push(id)
      if (part !== undefined) assert.ok(part.resourceUri?.startsWith(`kms://${domain}/`))
      const outcome = outcomes.get(id) ?? 'withdrawn'
      outcomes.set(id, outcome)
      say(line, id, outcome, true)
      realm.withdrawals.put(id)
    }
  }
  return Object.assign(realm, {
    passedOn: (frame: MessagesFrame) => void settle(toAsked(frame)),
    async dial(dial: Dial): Promise<FakeRealm> {
      const line = await connectRealm(dial, domain, [organizationId])
      void serve(line)
      void serveWithdrawals(line)
      return line
    },
  })
}
