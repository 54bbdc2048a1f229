// Bearer token -> Principal or Refusal: JWTs by the issuer's published keys, opaque tokens by introspection (RFC
// 7662), the realm's own anonymous bearers by the realm. A token decided a moment ago is answered synchronously.
// It never says "no" because a provider could not be asked: that is `identity.provider-unavailable`, its own answer.

import { peekIssuer, tokenFingerprintB64u } from '../crypto/index.ts'
import { Fault } from '../fault.ts'
import { type Refusal, refuse } from '../refusal.ts'
import { type Duration, type Instant, seconds } from '../time.ts'
import type { TrustedIssuer } from './issuer.ts'
import type { Bearers, IdentityProvider } from './ports.ts'
import type { Person, Principal } from './principal.ts'
import { createTokenJudge } from './token-judge.ts'
import { createVerdictCache } from './verdict-cache.ts'

export interface AuthenticatorSettings {
  readonly issuers: readonly TrustedIssuer[]
  readonly provider: IdentityProvider
  readonly now: () => Instant
  /** Absent: anonymous bearers are refused as tokens of an unknown issuer. */
  readonly bearers?: Bearers
  /** How long an accepted token is not checked again, and so how late a revocation counts; default 30 s. */
  readonly cacheFor?: Duration
  /** Remembered tokens, accepted and refused each; default 50,000. */
  readonly cacheEntries?: number
}

export interface AuthenticateOptions {
  /** How long the caller can wait for a provider that does not answer; default 2 s. */
  readonly patience?: Duration
}

export interface Authenticator {
  /**
   * A value if the answer is known, a promise if somebody has to be asked; it never rejects for a refusal.
   * Refuses `identity.token-missing`, `-token-malformed`, `-token-untrusted`, `-token-expired`,
   * `-wrong-issuer`, `-wrong-audience`, `-wrong-scope`, `-invalid-subject`, `-organization-not-served` and
   * `-provider-unavailable`, which alone says nothing about the token; plus what `Bearers` refuses.
   */
  authenticate(
    bearer: string | undefined,
    options?: AuthenticateOptions,
  ): Principal | Refusal | Promise<Principal | Refusal>
}

/** Longest token of any kind. */
const TOKEN_MAX_CHARS = 16 * 1024
/** RFC 6750 §2.1 b64token. */
const B64_TOKEN = /^[\w.~+/-]+=*$/

/** Throws a Fault `identity.two-introspecting-issuers`: an opaque token must not be shown to the wrong one. */
export const createAuthenticator = (settings: AuthenticatorSettings): Authenticator => {
  const { now, bearers, cacheFor = seconds(30) } = settings
  if (settings.issuers.filter((one) => one.introspects).length > 1) {
    throw new Fault('identity.two-introspecting-issuers')
  }
  const judge = createTokenJudge(settings)
  const cache = createVerdictCache({
    acceptedFor: cacheFor,
    refusedFor: seconds(Math.min(5, cacheFor / 1000)),
    entries: settings.cacheEntries ?? 50_000,
  })
  const underWay = new Map<string, Promise<Person | Refusal>>()

  const decide = async (question: Question): Promise<Person | Refusal> => {
    const { verdict, mayBeRemembered } = await judge(question.token, question.patience)
    if (mayBeRemembered) cache.remember(question.fingerprint, verdict, now())
    return verdict
  }

  /** A burst of requests under one token asks once. */
  const decideOnce = (question: Question): Promise<Person | Refusal> => {
    const id = `${question.fingerprint} ${question.patience}`
    const already = underWay.get(id)
    if (already !== undefined) return already
    const decision = decide(question).finally(() => underWay.delete(id))
    underWay.set(id, decision)
    return decision
  }

  return {
    authenticate(bearer, { patience = seconds(2) } = {}) {
      if (bearer === undefined || bearer === '') return refuse('identity.token-missing')
      if (bearer.length > TOKEN_MAX_CHARS || !B64_TOKEN.test(bearer)) {
        return refuse('identity.token-malformed')
      }
      const fingerprint = tokenFingerprintB64u(bearer)
      const known = cache.find(fingerprint, now())
      if (known !== undefined) return known
      if (bearers !== undefined && peekIssuer(bearer) === bearers.issuer) {
        return bearers.verify(bearer) ?? refuse('identity.token-untrusted')
      }
      return decideOnce({ token: bearer, fingerprint, patience })
    },
  }
}

interface Question {
  readonly token: string
  readonly fingerprint: string
  readonly patience: Duration
}
