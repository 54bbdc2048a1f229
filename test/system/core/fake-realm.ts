// A realm as the core meets it: a client certificate, a hello, and answers that a test writes. It checks
// nothing and seals nothing.

import { WebSocket } from 'ws'
import {
  type AnswersFrame,
  decodeCoreFrame,
  type HelloFrame,
  LINK_PATH,
  LINK_VERSION,
  type MessagesFrame,
  type OffboardedDoneFrame,
  type RostersFrame,
  type SearchFrameOfCore,
  type StateFrame,
  type WelcomeFrame,
  type WithdrawFrame,
} from '../../../src/boundary/index.ts'
import { isRefusal } from '../../../src/refusal.ts'
import type { TestAuthority, TestCredential } from '../../support/certificates.ts'
import { createInbox, type Inbox } from './inbox.ts'

export const detailsOf = (domain: string) => ({
  kmsCluster: `kms://${domain}`,
  rsaPublicKey: JSON.stringify({
    kty: 'RSA',
    kid: `kms://${domain}/statickeys/1`,
    n: 'AQAB',
    e: 'AQAB',
    x5c: ['MIID'],
  }),
})

export const helloOf = (domain: string, organizationIds: readonly string[]): HelloFrame => ({
  type: 'hello',
  version: LINK_VERSION,
  domain,
  organizationIds,
  state: 'ready',
  details: detailsOf(domain),
})

export interface Dial {
  readonly port: number
  readonly authority: TestAuthority
  /** Nobody's if absent. */
  readonly credential?: TestCredential
}

export interface FakeRealm {
  /** Posts in the order they came. */
  readonly posts: Inbox<MessagesFrame>
  readonly withdrawals: Inbox<WithdrawFrame>
  readonly rosters: Inbox<RostersFrame>
  readonly acknowledged: Inbox<OffboardedDoneFrame>
  /** Frames of search, of all kinds. */
  readonly search: Inbox<SearchFrameOfCore>
  readonly closed: Promise<number>
  welcome(): Promise<WelcomeFrame>
  say(frame: HelloFrame | StateFrame | AnswersFrame | object): void
  /** Text as it is. */
  sayText(text: string): void
  /** Cuts the connection. */
  cut(): void
  /** Stops reading from the network. */
  pause(): void
}

export const dialAsRealm = async ({ port, authority, credential }: Dial): Promise<FakeRealm> => {
  const socket = new WebSocket(`wss://localhost:${port}${LINK_PATH}`, {
    ca: authority.ca,
    ...credential,
  })
  const posts = createInbox<MessagesFrame>()
  const withdrawals = createInbox<WithdrawFrame>()
  const rosters = createInbox<RostersFrame>()
  const acknowledged = createInbox<OffboardedDoneFrame>()
  const search = createInbox<SearchFrameOfCore>()
  const welcomes = createInbox<WelcomeFrame>()
  socket.on('message', (data) => {
    const frame = decodeCoreFrame(data.toString())
    if (isRefusal(frame)) throw new Error(`the core sent a bad frame: ${frame.refused}`)
    if (frame.type === 'welcome') welcomes.put(frame)
    else if (frame.type === 'withdraw') withdrawals.put(frame)
    else if (frame.type === 'rosters') rosters.put(frame)
    else if (frame.type === 'off-boarded-done') acknowledged.put(frame)
    else if (frame.type === 'messages') posts.put(frame)
    else search.put(frame)
  })
  const closed = new Promise<number>((resolve) => socket.once('close', resolve))
  await new Promise<void>((resolve, reject) => {
    socket.once('open', resolve)
    socket.once('error', reject)
  })
  socket.on('error', () => undefined)
  return {
    posts,
    withdrawals,
    rosters,
    acknowledged,
    search,
    closed,
    welcome: () => welcomes.take(),
    say: (frame) => socket.send(JSON.stringify(frame)),
    sayText: (text) => socket.send(text),
    cut: () => socket.terminate(),
    pause: () => socket.pause(),
  }
}

/** A realm that is up. */
export const connectRealm = async (
  dial: Dial,
  domain: string,
  organizationIds: readonly string[],
): Promise<FakeRealm> => {
  const realm = await dialAsRealm({ ...dial, credential: dial.authority.client(domain) })
  realm.say(helloOf(domain, organizationIds))
  await realm.welcome()
  return realm
}

/** Answers every message of a post with a compact text that names it. */
export const answersTo = (post: MessagesFrame, deliverTo: string): AnswersFrame => ({
  type: 'answers',
  id: post.id,
  answers: post.kmsMessages.map((_message, n) => ({ n, deliverTo, kmsMessage: `a.answer-${n}.z` })),
})
