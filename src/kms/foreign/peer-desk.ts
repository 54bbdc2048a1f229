// The corridor for requests of peers, from parsing on: mutual TLS stands in for the sealed channel, the certificate for the bearer
// token. What a peer may ask is a short list; everything else is refused, and recorded.

import type { StatedEntry } from '../../audit/index.ts'
import { type ClientId, parseClientId, type ResourceUri, type UserId } from '../../id.ts'
import type { Peer } from '../../identity/index.ts'
import {
  FAULT_VERDICT,
  hostOf,
  isForeign,
  isUnparsed,
  parseRequest,
  printRefusal,
  type Request,
  type Uris,
  VERDICTS,
} from '../../protocol/index.ts'
import { isRefusal, type Refusal, refuse } from '../../refusal.ts'
import type { Instant } from '../../time.ts'
import { type Case, isAsked, isTurned, type Received } from '../corridor/case.ts'
import type { Committer } from '../corridor/committer.ts'
import { type RevealMeans, reveal } from '../corridor/reveal.ts'
import type { Conclusion } from '../corridor/transact.ts'
import { isLockedFault } from '../keyring/keyring.ts'
import { FORWARDED, type ForeignHome, HALF_OURS, isRemoval } from './foreign.ts'
import { wordFor } from './peer-standing.ts'

export interface PeerDeskParts extends RevealMeans {
  readonly uris: Uris
  readonly committer: Committer
  readonly now: () => Instant
  readonly foreign?: ForeignHome
  readonly onFault: (fault: unknown, trackingId: string) => void
}

/** One of the protocol's request objects, and on behalf of whom it is asked. */
export interface PeerItem {
  readonly userId: UserId
  readonly vouchedFor?: ResourceUri
  /** The core's operation that it is part of. */
  readonly operationId?: string
  readonly request: unknown
  readonly sizeBytes: number
}

/** An answer, and where our log says what it gave: the entry that the peer gets signed. */
export interface PeerAnswer {
  /** JSON; it may hold keys, and goes nowhere but into TLS. */
  readonly text: string
  readonly released?: Omit<StatedEntry, 'place'>
}

export interface PeerDesk {
  /** In order. Never rejects. */
  answer(
    peer: Pick<Peer, 'domain' | 'connection'>,
    items: readonly PeerItem[],
    trackingId: string,
  ): Promise<readonly PeerAnswer[]>
}

/** What we ask of other realms, and they of us. */
const FOR_PEERS: ReadonlySet<string> = new Set([...FORWARDED, ...HALF_OURS])

const deskRefusal = ({ operation, home }: Request, by: Peer, uris: Uris): Refusal | undefined => {
  if (!FOR_PEERS.has(operation.name)) return refuse('federation.not-forwarded', operation.name)
  if (home !== uris.home) return refuse('request.foreign-host')
  if (operation.name === 'bind-key') {
    // A peer binds its own keys, not ours and not those of a third realm.
    return hostOf(operation.uri) === by.domain ? undefined : refuse('request.foreign-host')
  }
  if (operation.name !== 'create-authorizations') return undefined
  // It lets in its own and ours, and cannot answer for those of a third.
  const isOthers = operation.authIds.some(
    (authId) =>
      authId.startsWith('kms:') && isForeign(authId, uris) && hostOf(authId) !== by.domain,
  )
  if (isOthers) return refuse('request.foreign-host')
  return operation.anonymous > 0 ? refuse('federation.not-forwarded', 'anonymous') : undefined
}

/** A domain is one printable word. */
const clientIdOf = ({ domain }: Peer): ClientId | undefined => parseClientId(domain)

const caseOf = (
  { uris }: PeerDeskParts,
  by: Peer,
  { request: raw }: PeerItem,
  received: Received,
): Case => {
  const request = parseRequest(raw, uris)
  const { requestId, method, uri } = request
  const clientId = clientIdOf(by)
  const refusal = isUnparsed(request) ? request.refusal : deskRefusal(request, by, uris)
  if (!isUnparsed(request) && refusal === undefined && clientId !== undefined) {
    return { received, request, by, subject: by.userId, clientId }
  }
  return {
    ...{ received, by, refusal: refusal ?? refuse('request.invalid') },
    ...(requestId === undefined ? {} : { requestId }),
    ...(method === undefined ? {} : { method }),
    ...(uri === undefined ? {} : { uri }),
  }
}

/** What the entry of a release says, if keys were released. */
const releasedBy = (
  { outcome, act, sequence }: Conclusion,
  { at: time, trackingId }: Received,
): PeerAnswer['released'] => {
  const isRelease = !isRefusal(outcome) && outcome.keys !== undefined
  if (!isRelease || sequence === undefined) return undefined
  return {
    ...{ sequence, time, trackingId, keys: act.keys ?? [] },
    ...(act.resource === undefined ? {} : { resource: act.resource }),
    ...(act.onBehalfOf === undefined ? {} : { user: act.onBehalfOf }),
  }
}

interface More {
  /** Resources of the peer's own that would lead in. */
  readonly through?: readonly ResourceUri[]
  readonly code?: string
}

const moreOf = (
  refusal: Refusal,
  through: Conclusion['through'],
  { foreign }: PeerDeskParts,
): More => {
  const code = wordFor(refusal, foreign)
  return {
    ...(code === undefined ? {} : { code }),
    ...(through === undefined ? {} : { through }),
  }
}

/** A refusal, and what else a peer is told of it: it holds no key. */
const withMore = (refusal: string, more: More): string =>
  JSON.stringify({ ...JSON.parse(refusal), ...more })

/** What a link of ours reads of one answer; whoever asks for more gets refusals. */
const ANSWERS_MAX_CHARS = 8 * 1024 * 1024
/** What is concluded together: so many keys, or a tenth as many lists, each of which may hold a megabyte. */
const AT_ONCE = 100
const LIST_COUNTS_AS = 10

const weightOf = (one: Case): number =>
  isAsked(one) && one.request.operation.name === 'retrieve-key' ? 1 : LIST_COUNTS_AS

const inPieces = (cases: readonly Case[]): readonly (readonly Case[])[] => {
  const pieces: Case[][] = []
  let room = 0
  for (const one of cases) {
    room -= weightOf(one)
    if (room < 0) {
      pieces.push([])
      room = AT_ONCE - weightOf(one)
    }
    pieces.at(-1)?.push(one)
  }
  return pieces
}

const tooLarge = (one: Case): Case => {
  if (isTurned(one)) return one
  const { received, by, request } = one
  const { requestId, method, uri } = request
  return { received, by, requestId, method, uri, refusal: refuse('kms.answer-too-large') }
}

export const createPeerDesk = (parts: PeerDeskParts): PeerDesk => {
  const answerOne = async (one: Case): Promise<PeerAnswer> => {
    const requestId = 'request' in one ? one.request.requestId : one.requestId
    try {
      const conclusion = await parts.committer.conclude(one)
      const { outcome, through } = conclusion
      // The peer that asks does what is to be done on its side itself; others are told, and it need not wait.
      if (isRemoval(one, conclusion)) void parts.foreign?.removed()
      const text = reveal(outcome, requestId, parts)
      if (isRefusal(outcome)) return { text: withMore(text, moreOf(outcome, through, parts)) }
      const released = releasedBy(conclusion, one.received)
      return released === undefined ? { text } : { text, released }
    } catch (fault) {
      if (isLockedFault(fault)) return { text: printRefusal(VERDICTS['kms.locked'], requestId) }
      parts.onFault(fault, one.received.trackingId)
      return { text: printRefusal(FAULT_VERDICT, requestId) }
    }
  }
  const caseFor = (
    peer: Pick<Peer, 'domain' | 'connection'>,
    item: PeerItem,
    trackingId: string,
  ): Case => {
    const { userId, vouchedFor, sizeBytes, operationId } = item
    const by: Peer = {
      ...{ kind: 'peer' as const, ...peer, userId },
      ...(vouchedFor === undefined ? {} : { vouchedFor }),
    }
    const received = {
      ...{ at: parts.now(), trackingId, sizeBytes },
      ...(operationId === undefined ? {} : { operationId }),
    }
    return caseOf(parts, by, item, received)
  }
  return {
    async answer(peer, items, trackingId) {
      const answers: PeerAnswer[] = []
      let left = ANSWERS_MAX_CHARS
      for (const piece of inPieces(items.map((item) => caseFor(peer, item, trackingId)))) {
        const cases = left > 0 ? piece : piece.map(tooLarge)
        for (const answer of await Promise.all(cases.map(answerOne))) {
          answers.push(answer)
          left -= answer.text.length
        }
      }
      return answers
    },
  }
}
