// Signs a development person in without a browser, by the real flow: authorization code with PKCE (RFC 7636), the
// login form, one resource per token (RFC 8707). It refuses plain HTTP and any authority but the one it is given.
import { createHash, randomBytes } from 'node:crypto'
import { type HttpsClient, openHttpsClient } from './https-client.ts'
import { SIGN_IN_CLIENT, SIGN_IN_REDIRECT } from './openid/resources.ts'
import { developmentPassword } from './people.ts'

export interface SignIn {
  /** Origin of the provider: `https://127.0.0.1:7400`. */
  readonly issuer: string
  readonly tlsCaFile: string
  readonly person: { readonly name: string }
  /** What the token is for, one of openid/resources.ts. */
  readonly resource: string
  readonly scope: string
  /** Only for trying a wrong one. */
  readonly password?: string
}

interface Endpoints {
  readonly authorization: string
  readonly token: string
}

/** The access token. Throws with the provider's own words when it refuses. */
export async function signIn(wanted: SignIn): Promise<string> {
  using client = openHttpsClient(wanted.issuer, wanted.tlsCaFile)
  const endpoints = await discover(client, wanted.issuer)
  const verifier = randomBytes(32).toString('base64url')
  const state = randomBytes(16).toString('base64url')
  const form = await followToForm(client, authorizationUrl(wanted, endpoints, { verifier, state }))
  const redirect = await submit(client, form, wanted)
  return await redeem(client, { wanted, endpoints, verifier, code: codeFrom(redirect, state) })
}

async function discover(client: HttpsClient, issuer: string): Promise<Endpoints> {
  const { status, body } = await client.ask({ url: '/.well-known/openid-configuration' })
  const raw = parseObject(body)
  if (status !== 200 || raw['issuer'] !== issuer) {
    throw new Error(`${issuer} does not describe itself as an identity provider.`)
  }
  return {
    authorization: String(raw['authorization_endpoint']),
    token: String(raw['token_endpoint']),
  }
}

function authorizationUrl(
  { resource, scope }: SignIn,
  { authorization }: Endpoints,
  { verifier, state }: { readonly verifier: string; readonly state: string },
): string {
  const url = new URL(authorization)
  url.search = new URLSearchParams({
    response_type: 'code',
    client_id: SIGN_IN_CLIENT,
    redirect_uri: SIGN_IN_REDIRECT,
    code_challenge: createHash('sha256').update(verifier).digest('base64url'),
    code_challenge_method: 'S256',
    state,
    resource,
    scope,
  }).toString()
  return url.href
}

async function followToForm(client: HttpsClient, url: string): Promise<string> {
  const { status, location, body } = await client.ask({ url })
  if (location === undefined) throw new Error(`The sign-in was refused (${status}): ${body.trim()}`)
  if (location.startsWith(SIGN_IN_REDIRECT)) throw refusalIn(location)
  return location
}

async function submit(client: HttpsClient, form: string, wanted: SignIn): Promise<string> {
  const { name } = wanted.person
  const password = wanted.password ?? developmentPassword({ name })
  let answer = await client.ask({ url: form, form: { name, password } })
  if (answer.status === 403) throw new Error(`The provider did not accept ${name}'s password.`)
  while (answer.location !== undefined && !answer.location.startsWith(SIGN_IN_REDIRECT)) {
    answer = await client.ask({ url: answer.location })
  }
  if (answer.location === undefined) {
    throw new Error(`The sign-in ended with ${answer.status}: ${answer.body.trim()}`)
  }
  return answer.location
}

function codeFrom(redirect: string, state: string): string {
  const { searchParams } = new URL(redirect)
  const code = searchParams.get('code')
  if (code === null) throw refusalIn(redirect)
  if (searchParams.get('state') !== state)
    throw new Error('The sign-in came back to another state.')
  return code
}

interface Redemption {
  readonly wanted: SignIn
  readonly endpoints: Endpoints
  readonly verifier: string
  readonly code: string
}

async function redeem(client: HttpsClient, by: Redemption): Promise<string> {
  const { body } = await client.ask({
    url: by.endpoints.token,
    form: {
      grant_type: 'authorization_code',
      client_id: SIGN_IN_CLIENT,
      redirect_uri: SIGN_IN_REDIRECT,
      code: by.code,
      code_verifier: by.verifier,
      resource: by.wanted.resource,
    },
  })
  const token = parseObject(body)['access_token']
  if (typeof token !== 'string') throw new Error(`The provider gave no token: ${body.trim()}`)
  return token
}

function refusalIn(redirect: string): Error {
  const { searchParams } = new URL(redirect)
  const why = searchParams.get('error_description') ?? ''
  return new Error(`The provider refused: ${searchParams.get('error')} ${why}`.trim())
}

function parseObject(text: string): Readonly<Record<string, unknown>> {
  const raw: unknown = JSON.parse(text)
  if (typeof raw !== 'object' || raw === null) throw new Error('The provider sent no JSON object.')
  return raw as Readonly<Record<string, unknown>>
}
