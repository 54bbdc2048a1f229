// A small identity provider for tests of the core: discovery and RFC 7662 introspection over TLS, with client
// authentication, and nothing more. Tokens are whatever a test put in; one it does not know is not active.

import { createServer } from 'node:https'
import type { TestAuthority } from '../../support/certificates.ts'
import { listenOnLoopback } from './loopback.ts'

export const CORE_CLIENT = 'core'
export const CORE_SECRET = 'not a secret: ä&='

export interface TestIdentityProvider {
  readonly issuer: string
  /** Claims by token, as introspection tells them; `active: true` is added. */
  readonly tokens: Map<string, object>
  /** Tokens in the order they were asked about. */
  readonly asked: string[]
  /** How it answers; 503 while out of order. */
  mode: 'in-order' | 'out-of-order'
  close(): Promise<void>
}

const BASIC = `Basic ${Buffer.from(
  [CORE_CLIENT, CORE_SECRET]
    .map((part) => new URLSearchParams({ '': part }).toString().slice(1))
    .join(':'),
).toString('base64')}`

export const startIdentityProvider = async (
  authority: TestAuthority,
): Promise<TestIdentityProvider> => {
  const tokens = new Map<string, object>()
  const asked: string[] = []
  const server = createServer(authority.server(), async (request, response) => {
    const answer = (status: number, body: object) =>
      response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body))
    if (provider.mode === 'out-of-order') return answer(503, {})
    if (request.url === '/.well-known/openid-configuration') {
      const { issuer } = provider
      return answer(200, { issuer, introspection_endpoint: `${issuer}/introspect` })
    }
    if (request.method !== 'POST' || request.url !== '/introspect') return answer(404, {})
    if (request.headers.authorization !== BASIC) return answer(401, { error: 'invalid_client' })
    const form = new URLSearchParams(Buffer.concat(await request.toArray()).toString())
    const token = form.get('token') ?? ''
    asked.push(token)
    const claims = tokens.get(token)
    return answer(200, claims === undefined ? { active: false } : { active: true, ...claims })
  })
  const { port, close } = await listenOnLoopback(server)
  const provider: TestIdentityProvider = {
    issuer: `https://localhost:${port}`,
    tokens,
    asked,
    mode: 'in-order',
    close,
  }
  return provider
}
