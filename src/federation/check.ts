// A dry run against a partner, before any room is shared: can it be reached, is it who it says, may each of us work with the other, does
// it speak our protocol, and does it refuse what it must refuse. Each step says what was found and what an operator has to do. It
// asks for nothing that exists and pins nobody.

import type { HeldAnchors, Random } from '../crypto/index.ts'
import { parseUserId } from '../id.ts'
import { isDenial } from '../kms/index.ts'
import { urisOf } from '../protocol/index.ts'
import { isRefusal, type Refusal, type RefusalCode } from '../refusal.ts'
import { after, type Instant, seconds } from '../time.ts'
import { asJson, parseAnswers } from './answer.ts'
import { CHECK_STEPS, type CheckStep, fixOf } from './check-steps.ts'
import type { PeerDomain } from './domain.ts'
import { type FederationPolicy, policyRefusal } from './policy.ts'
import { PEER_PATHS, type PeerConnectionFacts, type PeerLink, type PeerReply } from './ports.ts'
import { batchOf } from './question.ts'
import { PROTOCOL_VERSION } from './serve.ts'

export interface CheckFinding {
  readonly step: CheckStep
  /** `unknown`: something before it failed, or nobody can tell from here. */
  readonly verdict: 'good' | 'warning' | 'bad' | 'unknown'
  readonly code?: RefusalCode
  readonly found?: string
  /** What an operator has to do. */
  readonly fix?: string
}

export interface PeerCheck {
  readonly domain: string
  readonly isGood: boolean
  readonly findings: readonly CheckFinding[]
  /** Milliseconds: the first question (with the handshake, unless a connection was open), then those after it. */
  readonly roundTripsMs: readonly number[]
}

export interface CheckParts {
  readonly domain: string
  readonly policy: FederationPolicy
  readonly link: PeerLink
  readonly random: Random
  readonly now: () => Instant
  /** Milliseconds of a clock that never goes back. */
  readonly elapsedMs: () => number
  readonly isBlocked: boolean
  readonly isRevocationRequired: boolean
  /** That hold for the domain in question. */
  readonly anchors: HeldAnchors
}

const PATIENCE = seconds(4.5)
const WARM_PINGS = 4
/** Clients wait six seconds for everything. */
const SLOW_MS = 1500

const ANCHORS_SHOWN = 4
const HELD_FOR = {
  'every-domain': 'every domain',
  'this-domain': 'this domain alone',
  unusable: '',
}

/** Which anchors hold for the domain, by SHA-256. */
const heldText = ({ scope, sha256 }: HeldAnchors): string => {
  if (scope === 'unusable')
    return 'no anchor holds: our folder for this domain cannot be relied upon'
  const more = sha256.length > ANCHORS_SHOWN ? ', …' : ''
  const shown = `${sha256.slice(0, ANCHORS_SHOWN).join(', ')}${more}`
  return `anchors for ${HELD_FOR[scope]}: ${sha256.length} (SHA-256 ${shown})`
}

const failed = ({ refused, about }: Refusal): CheckFinding => {
  const [step, fix] = fixOf(refused)
  return {
    step,
    verdict: 'bad',
    code: refused,
    fix,
    ...(about === undefined ? {} : { found: about }),
  }
}

/** Of a chain, also which anchors it would have had to lead to. */
const failedToMeet = (no: Refusal, { anchors }: CheckParts): CheckFinding => {
  const finding = failed(no)
  return finding.step === 'chain' ? { ...finding, found: heldText(anchors) } : finding
}

/** Those before the step are good: a step is only come to by way of them. */
const upTo = (finding: CheckFinding): readonly CheckFinding[] => {
  const at = CHECK_STEPS.indexOf(finding.step)
  return CHECK_STEPS.map((step, index) => {
    if (index === at) return finding
    return { step, verdict: index < at ? 'good' : 'unknown' } as const
  })
}

type Reply = PeerReply & { readonly connection: PeerConnectionFacts }

const connectionFindings = (
  { connection }: Reply,
  { isRevocationRequired, anchors }: CheckParts,
): readonly CheckFinding[] => {
  const { tlsGroup, certificateSha256, carrier } = connection
  const isHybrid = tlsGroup.includes('MLKEM')
  return [
    { step: 'policy', verdict: 'good' },
    { step: 'way', verdict: 'good', found: carrier },
    { step: 'name', verdict: 'good', found: `SHA-256 ${certificateSha256}` },
    { step: 'chain', verdict: 'good', found: heldText(anchors) },
    { step: 'issuer', verdict: 'good', found: 'it can make no authority' },
    isRevocationRequired
      ? { step: 'revocation', verdict: 'good', found: 'by a list that is fresh' }
      : {
          step: 'revocation',
          verdict: 'warning',
          found: 'lists are not required here',
          fix: 'set federation.carrier.requireCrl, and put the authority’s list into the folder',
        },
    isHybrid
      ? { step: 'key-exchange', verdict: 'good', found: tlsGroup }
      : {
          step: 'key-exchange',
          verdict: 'warning',
          found: tlsGroup,
          fix: 'recordings of this connection can be opened by a later quantum computer: the partner enables X25519MLKEM768',
        },
    { step: 'our-certificate', verdict: 'good' },
  ]
}

const policyFinding = ({ status, body }: Reply): CheckFinding => {
  const { code } = asJson(body)
  if (status !== 403) return { step: 'their-policy', verdict: 'good' }
  const found = typeof code === 'string' ? code.slice(0, 100) : 'refused'
  const fix = 'the partner works with us only once it lists us (federation.listed), or unblocks us'
  return { step: 'their-policy', verdict: 'bad', found, fix }
}

const protocolFinding = ({ status, body }: Reply, peer: PeerDomain): CheckFinding => {
  const { version, domain } = asJson(body)
  const isGood = status === 200 && version === PROTOCOL_VERSION && domain === peer
  if (isGood) return { step: 'protocol', verdict: 'good', found: `version ${PROTOCOL_VERSION}` }
  const found = `status ${status}, version ${String(version).slice(0, 20)}`
  const fix = `both sides must speak version ${PROTOCOL_VERSION}: the older one is upgraded`
  return { step: 'protocol', verdict: 'bad', found, fix }
}

const stateFinding = ({ body }: Reply): CheckFinding =>
  asJson(body)['state'] === 'ready'
    ? { step: 'state', verdict: 'good', found: 'ready' }
    : {
        step: 'state',
        verdict: 'warning',
        found: 'locked',
        fix: 'its operator unlocks it; until then it gives no keys',
      }

const refusalFinding = (reply: Reply | Refusal, isDenied: boolean): CheckFinding => {
  if (isRefusal(reply)) return { ...failed(reply), step: 'refusal' }
  if (isDenied) return { step: 'refusal', verdict: 'good', found: 'a key of nobody was refused' }
  const fix =
    'it did not refuse a key that does not exist to somebody whom nobody knows: share no room with it'
  return { step: 'refusal', verdict: 'bad', found: `status ${reply.status}`, fix }
}

const tripsFinding = (trips: readonly number[]): CheckFinding => {
  const [first = 0, ...warm] = trips.map(Math.ceil)
  const slowest = Math.max(...warm)
  const found = `first ${first} ms, then ${warm.join(', ')} ms`
  if (slowest <= SLOW_MS) return { step: 'round-trips', verdict: 'good', found }
  const fix = 'clients wait six seconds for everything: look for what slows the way'
  return { step: 'round-trips', verdict: 'warning', found, fix }
}

export const checkPeer = async (parts: CheckParts, peer: PeerDomain): Promise<PeerCheck> => {
  const { link, now, elapsedMs, random } = parts
  const trackingId = `check-${random.uuid()}`
  const trips: number[] = []
  const ask = async (path: string, body: unknown): Promise<Reply | Refusal> => {
    const startedAt = elapsedMs()
    const reply = await link.ask(peer, { path, body, trackingId }, after(now(), PATIENCE))
    if (!isRefusal(reply)) trips.push(elapsedMs() - startedAt)
    return reply
  }
  const ended = (findings: readonly CheckFinding[]): PeerCheck => ({
    domain: peer,
    isGood: findings.every(({ verdict }) => verdict !== 'bad'),
    findings,
    roundTripsMs: trips,
  })
  const closed: Refusal | undefined = parts.isBlocked
    ? { refused: 'federation.blocked' }
    : policyRefusal(parts.policy, parts.domain, peer)
  if (closed !== undefined) return ended(upTo(failed(closed)))
  const first = await ask(PEER_PATHS.ping, {})
  if (isRefusal(first)) return ended(upTo(failedToMeet(first, parts)))
  const connected = connectionFindings(first, parts)
  const theirs = policyFinding(first)
  const spoken = theirs.verdict === 'good' ? protocolFinding(first, peer) : theirs
  if (spoken.verdict !== 'good') {
    const rest = upTo(spoken).slice(connected.length)
    return ended([...connected, ...rest])
  }
  for (let n = 0; n < WARM_PINGS; n += 1) await ask(PEER_PATHS.ping, {})
  const pings = [...trips]
  const nobody = parseUserId(random.uuid())
  if (nobody === undefined) throw new TypeError('a random UUID is one')
  const operation = { name: 'retrieve-key', uri: urisOf(peer).key(random.uuid()) } as const
  const question = { domain: peer, userId: nobody, operation }
  const reply = await ask(PEER_PATHS.requests, batchOf([question]))
  const [answered] = isRefusal(reply) ? [] : parseAnswers(reply.body, [question], parts.domain)
  const isDenied = answered !== undefined && isRefusal(answered.result) && isDenial(answered.result)
  const state = stateFinding(first)
  return ended([
    ...connected,
    theirs,
    spoken,
    state,
    state.verdict === 'good'
      ? refusalFinding(reply, isDenied)
      : { step: 'refusal', verdict: 'unknown' },
    tripsFinding(pings),
  ])
}
