// From an Authorization value to a Caller. Answers of the identity provider are kept briefly, so that a
// revoked token stops working within seconds and a busy one costs one question, not thousands.

import { after, type Duration, type Instant, isPast } from '../../time.ts'
import { boundedMap } from '../bounded-map.ts'
import type { Surroundings } from '../ports.ts'
import { type Caller, claimsKmsScope, type Expected, parseBearer, toCaller } from './caller.ts'
import type { Introspect } from './introspection.ts'
import { isProblem, type Problem, problem } from './problem.ts'

export interface Tokens {
  /** The caller named by `Bearer TOKEN`, or why not. */
  callerOf(authorization: unknown): Promise<Caller | Problem>
}

export interface TokenRules {
  readonly expected: Expected
  readonly introspect: Introspect
  /** How long an answer is believed. A revoked token works at most this much longer. */
  readonly believedFor: Duration
  readonly kept: number
  /** Runs once per question asked, for callers that are let in. */
  readonly onCaller: (caller: Caller) => Promise<void>
}

/** At most so many questions at once: the identity provider is not ours to drown. */
const ASKING_MAX = 500

interface Known {
  readonly verdict: Caller | Problem
  readonly until: Instant
}

export const openTokens = (rules: TokenRules, { now, meter }: Surroundings): Tokens => {
  const known = boundedMap<string, Known>(rules.kept)
  // Apart, so that a flood of bad tokens does not push out the good ones.
  const refused = boundedMap<string, Known>(Math.ceil(rules.kept / 4))
  const asking = new Map<string, Promise<Caller | Problem>>()

  const ask = async (token: string): Promise<Caller | Problem> => {
    const answer = await rules.introspect(token)
    if (answer === 'unavailable') {
      meter.introspection('unavailable')
      return problem('core.identity-unavailable')
    }
    const verdict = toCaller(answer.claims, rules.expected, now())
    meter.introspection(isProblem(verdict) ? 'inactive' : 'active')
    if (!isProblem(verdict)) await rules.onCaller(verdict)
    const memory = isProblem(verdict) ? refused : known
    memory.set(token, { verdict, until: after(now(), rules.believedFor) })
    return verdict
  }

  const askOnce = (token: string): Promise<Caller | Problem> => {
    const running = asking.get(token)
    if (running !== undefined) return running
    if (asking.size >= ASKING_MAX) return Promise.resolve(problem('core.identity-unavailable'))
    const asked = ask(token).finally(() => asking.delete(token))
    asking.set(token, asked)
    return asked
  }

  return {
    async callerOf(authorization) {
      const token = parseBearer(authorization)
      if (token === undefined) return problem('core.token-missing')
      const remembered = known.get(token) ?? refused.get(token)
      if (remembered !== undefined && !isPast(remembered.until, now())) {
        return stillValid(remembered.verdict, now())
      }
      if (claimsKmsScope(token)) return problem('core.kms-token-refused')
      return await askOnce(token)
    },
  }
}

const stillValid = (verdict: Caller | Problem, now: Instant): Caller | Problem =>
  isProblem(verdict) || verdict.expiresAt > now ? verdict : problem('core.token-expired')
