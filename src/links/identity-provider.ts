// Asks OpenID providers: discovery (OpenID Connect Discovery §4), published keys (RFC 7517), introspection (RFC 7662).
// HTTPS only, no redirects, bounded answers. It refuses to guess: what a provider did not say in the time given is
// `identity.provider-unavailable`; the provider's own "401" to us is that too, and never a verdict about the token.

import type { IdentityProvider, Introspection, IntrospectionQuestion } from '../identity/index.ts'
import { type Refusal, refuse } from '../refusal.ts'
import { after, type Duration, milliseconds, seconds } from '../time.ts'
import {
  createProviderContact,
  type ProviderContact,
  type ProviderProblem,
  type ProviderSettings,
} from './provider-contact.ts'
import { createProviderKeys, type KeyLimits, type LinkClock } from './provider-keys.ts'
import type { HttpProxy } from './proxy.ts'

export interface IdentityProviderSettings {
  readonly providers: readonly ProviderSettings[]
  readonly proxy?: HttpProxy
  readonly clock: LinkClock
  readonly report?: (problem: ProviderProblem) => void
  /** Defaults: keys fresh for 10 minutes, usable for 24 hours, asked for at most every 3 s. */
  readonly keyLimits?: Partial<KeyLimits>
  /** For one exchange; default 2 s. */
  readonly timeout?: Duration
}

/** The port, and a way to let its sockets go. */
export interface IdentityProviderLink extends IdentityProvider {
  close(): void
}

/**
 * Throws a Fault `links.identity-provider-settings` if an issuer is no https URL. Asks nobody yet: a realm starts while its provider is down.
 */
export const createIdentityProvider = (
  settings: IdentityProviderSettings,
): IdentityProviderLink => {
  const { clock, proxy, timeout = seconds(2), report = () => undefined } = settings
  const limits = { ...DEFAULT_KEY_LIMITS, ...settings.keyLimits }
  const known = new Map(
    settings.providers.map((provider) => {
      const contact = createProviderContact({
        ...{ provider, proxy, timeout, report },
        now: () => clock.now(),
      })
      const keys = createProviderKeys({ clock, limits, fetchKeys: contact.fetchKeys })
      return [provider.issuer, { contact, keys }]
    }),
  )
  return {
    async keysFor({ issuer, kid, within }) {
      return (await known.get(issuer)?.keys.find(kid, within)) ?? unavailable('issuer')
    },
    async introspect(question) {
      const contact = known.get(question.issuer)?.contact
      if (contact === undefined) return unavailable('issuer')
      return introspectPatiently(contact, { question, clock, timeout })
    },
    close() {
      for (const { contact } of known.values()) contact.close()
    },
  }
}

const DEFAULT_KEY_LIMITS: KeyLimits = {
  freshFor: seconds(600),
  usableFor: seconds(24 * 3600),
  cooldown: seconds(3),
}
const FIRST_RETRY_AFTER = milliseconds(200)

interface Patience {
  readonly question: IntrospectionQuestion
  readonly clock: LinkClock
  readonly timeout: Duration
}

/** Tries, each time resting twice as long, until there is a verdict or no time left. */
async function introspectPatiently(
  contact: ProviderContact,
  { question, clock, timeout }: Patience,
): Promise<Introspection | Refusal> {
  const deadline = after(clock.now(), question.within)
  for (let rest = FIRST_RETRY_AFTER; ; rest = milliseconds(rest * 2)) {
    const left = deadline - clock.now()
    if (left <= 0) return unavailable('introspection')
    const tryFor = milliseconds(Math.min(timeout, left))
    const answer = await contact.introspect(question.token, tryFor)
    if (answer !== undefined) return answer
    const remaining = deadline - clock.now()
    if (remaining <= 0) return unavailable('introspection')
    await clock.wait(milliseconds(Math.min(rest, remaining)))
  }
}

function unavailable(about: string): Refusal {
  return refuse('identity.provider-unavailable', about)
}
