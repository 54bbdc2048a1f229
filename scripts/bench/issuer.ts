// An identity provider for load: it vouches for as many made-up people of one organisation as a run needs, signs
// their KMS tokens and introspects their core tokens. Loopback only; it knows no secret of anyone real and asks
// callers for none, so that it measures nothing itself.
import { createSign, generateKeyPairSync, randomUUID } from 'node:crypto'
import { readFileSync } from 'node:fs'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { createServer, type Server } from 'node:https'
import { text } from 'node:stream/consumers'
import { CORE_RESOURCE, CORE_SCOPE, KMS_RESOURCE, KMS_SCOPE } from '../dev/openid/resources.ts'
import type { Somebody } from './generator/orders.ts'

const LIFETIME_SECONDS = 4 * 3600
const CORE_TOKEN = /^bench\.([0-9a-f-]{36})$/

export interface IssuerWanted {
  readonly port: number
  readonly organizationId: string
  readonly certificateFile: string
  readonly keyFile: string
}

export interface Issuer {
  /** People who have never been seen before, with tokens that outlive the run. */
  people(count: number): readonly Somebody[]
  close(): void
}

export async function startIssuer(wanted: IssuerWanted): Promise<Issuer> {
  const issuer = `https://127.0.0.1:${wanted.port}`
  const key = signingKey()
  const pages: Readonly<Record<string, object>> = {
    '/.well-known/openid-configuration': {
      issuer,
      jwks_uri: `${issuer}/jwks`,
      introspection_endpoint: `${issuer}/introspect`,
    },
    '/jwks': { keys: [key.publicJwk] },
  }
  const server = createServer(
    { cert: readFileSync(wanted.certificateFile), key: readFileSync(wanted.keyFile) },
    (request, response) => void answer(request, response, { pages, issuer, wanted }),
  )
  await listening(server, wanted.port)
  return {
    people: (count) =>
      Array.from({ length: count }, () => {
        const id = randomUUID()
        const claims = claimsOf(id, issuer, wanted.organizationId)
        return { id, coreToken: `bench.${id}`, kmsToken: key.sign(claims) }
      }),
    close() {
      server.close()
      server.closeAllConnections()
    },
  }
}

interface Answering {
  readonly pages: Readonly<Record<string, object>>
  readonly issuer: string
  readonly wanted: IssuerWanted
}

async function answer(
  request: IncomingMessage,
  response: ServerResponse,
  { pages, issuer, wanted }: Answering,
): Promise<void> {
  const page = pages[request.url ?? '']
  const asked = new URLSearchParams(await text(request)).get('token') ?? ''
  const sub = CORE_TOKEN.exec(asked)?.[1]
  const verdict =
    sub === undefined ? { active: false } : introspection(sub, issuer, wanted.organizationId)
  response.writeHead(200, { 'content-type': 'application/json' })
  response.end(JSON.stringify(page ?? verdict))
}

function introspection(sub: string, iss: string, organizationId: string): object {
  return {
    active: true,
    token_type: 'Bearer',
    iss,
    sub,
    aud: CORE_RESOURCE,
    scope: CORE_SCOPE,
    organization_id: organizationId,
    roles: [],
    exp: nowSeconds() + LIFETIME_SECONDS,
  }
}

/** About what providers write into an access token, so that messages have the size of real ones. */
function claimsOf(sub: string, iss: string, organizationId: string): object {
  return {
    iss,
    sub,
    aud: KMS_RESOURCE,
    scope: KMS_SCOPE,
    organization_id: organizationId,
    roles: [],
    email: `${sub.slice(0, 8)}@acme.example`,
    client_id: 'keyrealm-bench',
    jti: randomUUID(),
    iat: nowSeconds(),
    exp: nowSeconds() + LIFETIME_SECONDS,
  }
}

function signingKey() {
  const { privateKey, publicKey } = generateKeyPairSync('rsa', { modulusLength: 2048 })
  const kid = 'bench'
  const header = encoded({ alg: 'RS256', typ: 'at+jwt', kid })
  return {
    publicJwk: { ...publicKey.export({ format: 'jwk' }), kid, use: 'sig', alg: 'RS256' },
    sign(claims: object): string {
      const signed = `${header}.${encoded(claims)}`
      const signature = createSign('sha256').update(signed).sign(privateKey, 'base64url')
      return `${signed}.${signature}`
    },
  }
}

function encoded(value: object): string {
  return Buffer.from(JSON.stringify(value)).toString('base64url')
}

function nowSeconds(): number {
  return Math.floor(Date.now() / 1000)
}

function listening(server: Server, port: number): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', reject)
    server.listen(port, '127.0.0.1', resolve)
  })
}
