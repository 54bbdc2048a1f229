// Tokens of anonymous bearers (draft §4.7.8): a JWT that names the issuer, one authorization and its
// resource. The realm signs and checks them itself; the token proves who holds it, and the transaction
// still asks whether the authorization lives.

import { type SecretBytes, signBearer, verifyBearer } from '../../crypto/index.ts'
import { Fault } from '../../fault.ts'
import type { AuthorizationUri, ResourceUri } from '../../id.ts'
import type { Anonymous } from '../../identity/index.ts'
import { parseTarget, type Uris } from '../../protocol/index.ts'
import { isRefusal, type Refusal, refuse } from '../../refusal.ts'
import { type Instant, instant, isPast, seconds } from '../../time.ts'
import type { Keyring } from '../keyring/keyring.ts'
import type { BearerOrder } from './answer.ts'

/** An authorization that never ends still gets a token that does. */
const LONGEST = seconds(366 * 24 * 3600)

interface Claims {
  readonly sub: unknown
  readonly resource: unknown
  readonly exp: unknown
}

export class Bearers {
  readonly issuer: string
  readonly #uris: Uris
  readonly #keyring: Keyring
  readonly #now: () => Instant

  constructor(uris: Uris, keyring: Keyring, now: () => Instant) {
    this.issuer = uris.home
    this.#uris = uris
    this.#keyring = keyring
    this.#now = now
  }

  /** The same order gives the same token, so that a repeated answer is the same answer. */
  sign(order: BearerOrder): string {
    const expiresAt = order.expiresAt ?? instant(order.issuedAt + LONGEST)
    const claims = {
      iss: this.issuer,
      sub: order.uri,
      resource: order.resourceUri,
      iat: Math.floor(order.issuedAt / 1000),
      exp: Math.floor(expiresAt / 1000),
    }
    const key = this.#keyring.bearerKeys.at(-1)
    if (key === undefined) throw new Fault('kms.locked')
    return signBearer(claims, key)
  }

  /** Undefined if the token is not one of ours. */
  verify(token: string): Anonymous | Refusal | undefined {
    const claims = this.#keyring.bearerKeys
      .map((key: SecretBytes) => verifyBearer(token, key))
      .find((found) => found !== undefined)
    return claims === undefined ? undefined : this.#anonymous(claims as Claims) // signed by us
  }

  #anonymous({ sub, resource, exp }: Claims): Anonymous | Refusal {
    const authorization = parseTarget(sub, this.#uris)
    const target = parseTarget(resource, this.#uris)
    if (isRefusal(authorization) || isRefusal(target)) return refuse('identity.token-malformed')
    if (authorization.kind !== 'authorization' || target.kind !== 'resource') {
      return refuse('identity.token-malformed')
    }
    const expiresAt = instant(Number(exp) * 1000)
    if (!(expiresAt > 0) || isPast(expiresAt, this.#now())) return refuse('identity.token-expired')
    return principal(authorization.uri, target.uri, expiresAt)
  }
}

const principal = (
  authorizationUri: AuthorizationUri,
  resourceUri: ResourceUri,
  tokenExpiresAt: Instant,
): Anonymous => ({ kind: 'anonymous', authorizationUri, resourceUri, tokenExpiresAt })
