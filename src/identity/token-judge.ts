// The slow path of authentication: one token, judged from scratch by whoever issued it.
// It decides nothing twice and remembers nothing; that is `authenticate.ts`.

import {
  isJwtFailure,
  type JwtFailure,
  type JwtPeek,
  looksLikeJwt,
  peekJwt,
  type VerificationKey,
  verifyJwt,
} from '../crypto/index.ts'
import { isRefusal, type Refusal, refuse } from '../refusal.ts'
import type { Duration, Instant } from '../time.ts'
import { personFromClaims } from './bearer.ts'
import type { TrustedIssuer } from './issuer.ts'
import type { IdentityProvider } from './ports.ts'
import type { Person } from './principal.ts'

export interface Judgement {
  readonly verdict: Person | Refusal
  /** False where the next seconds may bring another answer, or where the answer cost nothing. */
  readonly mayBeRemembered: boolean
}

export type TokenJudge = (token: string, patience: Duration) => Promise<Judgement>

export interface TokenJudgeSettings {
  readonly issuers: readonly TrustedIssuer[]
  readonly provider: IdentityProvider
  readonly now: () => Instant
}

/** JWTs go to the issuer that they name, everything else to the one issuer that introspects. */
export const createTokenJudge = (settings: TokenJudgeSettings): TokenJudge => {
  const { issuers, provider, now } = settings
  const byName = new Map(issuers.map((issuer) => [issuer.issuer, issuer]))
  const introspecting = issuers.find((issuer) => issuer.introspects)

  const judgeJwt: TokenJudge = async (token, patience) => {
    const peek = peekJwt(token)
    if (isJwtFailure(peek)) return passing(refusalOf(peek))
    const issuer = byName.get(peek.unverifiedIssuer ?? '')
    if (issuer === undefined) return passing(refuse('identity.wrong-issuer', 'iss'))
    const keys = await provider.keysFor(keysQuestion(issuer, peek, patience))
    if (isRefusal(keys)) return passing(keys)
    const usable = keys.filter((key) => key.algorithms.includes(peek.algorithm))
    if (usable.length === 0) return passing(refuse('identity.token-untrusted', 'kid'))
    const claims = await verifyByAny(token, usable)
    if (isJwtFailure(claims)) return lasting(refuse('identity.token-untrusted', 'signature'))
    return lasting(personFromClaims({ claims, issuer, now: now() }))
  }

  const judgeOpaque = async (
    { token, patience }: { readonly token: string; readonly patience: Duration },
    issuer: TrustedIssuer,
  ): Promise<Judgement> => {
    const answer = await provider.introspect({ issuer: issuer.issuer, token, within: patience })
    if (isRefusal(answer)) return passing(answer)
    if (!answer.active) return lasting(refuse('identity.token-untrusted', 'introspection'))
    // RFC 7662 §2.2 leaves `iss` out or in; where it is in, it must be who was asked.
    const claims = { iss: issuer.issuer, ...answer.claims }
    return lasting(personFromClaims({ claims, issuer, now: now() }))
  }

  return async (token, patience) => {
    if (looksLikeJwt(token)) return judgeJwt(token, patience)
    if (introspecting === undefined) return passing(refuse('identity.token-malformed'))
    return judgeOpaque({ token, patience }, introspecting)
  }
}

/** Normally there is exactly one to try; a token without `kid` may be by any of the published keys. */
async function verifyByAny(token: string, keys: readonly VerificationKey[]) {
  let last: Awaited<ReturnType<typeof verifyJwt>> = { failed: 'bad-signature' }
  for (const key of keys) {
    last = await verifyJwt(token, key)
    if (!isJwtFailure(last)) return last
  }
  return last
}

function keysQuestion(issuer: TrustedIssuer, peek: JwtPeek, within: Duration) {
  const question = { issuer: issuer.issuer, within }
  return peek.kid === undefined ? question : { ...question, kid: peek.kid }
}

function refusalOf({ failed }: JwtFailure): Refusal {
  const isOurBusiness = failed === 'algorithm-not-allowed' || failed === 'type-not-allowed'
  return refuse(isOurBusiness ? 'identity.token-untrusted' : 'identity.token-malformed', failed)
}

function lasting(verdict: Person | Refusal): Judgement {
  const becomesValid = isRefusal(verdict) && verdict.about === 'nbf'
  return { verdict, mayBeRemembered: !becomesValid }
}

function passing(refusal: Refusal): Judgement {
  return { verdict: refusal, mayBeRemembered: false }
}
