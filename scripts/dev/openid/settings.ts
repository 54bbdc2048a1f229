// How oidc-provider is set up for development: which clients there are, what a token says, who may introspect it.
// It refuses a token request that names no known resource, or any other scope than that resource's own.
import type { JWK } from 'jose'
import { errors, type Grant, type OidcContext, type Token } from 'oidc-provider'
import { PEOPLE } from '../people.ts'
import type { OpenedRecords } from './records.ts'
import {
  CORE_CLIENT,
  findResource,
  introspectorOf,
  REALM_CLIENT,
  SIGN_IN_CLIENT,
  SIGN_IN_REDIRECT,
  TOKEN_TTL_SECONDS,
} from './resources.ts'
import { clientSecret, cookieKey } from './secrets.ts'

export interface SettingsFrom {
  readonly directory: string
  readonly records: OpenedRecords
  readonly signingKeys: readonly JWK[]
}

export function providerSettings({ directory, records, signingKeys }: SettingsFrom): object {
  return {
    adapter: records.adapterFor,
    jwks: { keys: signingKeys },
    cookies: { keys: [cookieKey(directory)] },
    clients: [
      signInClient(),
      confidentialClient(CORE_CLIENT, directory),
      confidentialClient(REALM_CLIENT, directory),
    ],
    scopes: [],
    claims: { openid: ['sub'] },
    clientDefaults: { id_token_signed_response_alg: 'RS256' },
    ttl: {
      AccessToken: TOKEN_TTL_SECONDS,
      AuthorizationCode: 60,
      Grant: TOKEN_TTL_SECONDS,
      Interaction: 600,
      Session: TOKEN_TTL_SECONDS,
      IdToken: 600,
    },
    features: {
      devInteractions: { enabled: false },
      userinfo: { enabled: false },
      rpInitiatedLogout: { enabled: false },
      revocation: { enabled: true, allowedPolicy: mayRevoke },
      introspection: { enabled: true, allowedPolicy: mayIntrospect },
      resourceIndicators: {
        enabled: true,
        defaultResource: refuseMissingResource,
        getResourceServerInfo: resourceServer,
      },
    },
    interactions: { url: (_: OidcContext, { uid }: { uid: string }) => `/interaction/${uid}` },
    findAccount,
    loadExistingGrant: grantWhatWasAsked,
    extraTokenClaims: claimsOfPerson,
    renderError: renderErrorAsText,
  }
}

function signInClient(): object {
  return {
    client_id: SIGN_IN_CLIENT,
    token_endpoint_auth_method: 'none',
    grant_types: ['authorization_code'],
    response_types: ['code'],
    redirect_uris: [SIGN_IN_REDIRECT],
  }
}

/** A client that signs nobody in; it only asks about tokens. */
function confidentialClient(id: string, directory: string): object {
  return {
    client_id: id,
    client_secret: clientSecret(directory, id),
    token_endpoint_auth_method: 'client_secret_basic',
    grant_types: [],
    response_types: [],
    redirect_uris: [],
  }
}

function refuseMissingResource(): never {
  throw new errors.InvalidTarget('name the resource that the token is for')
}

function resourceServer({ oidc }: OidcContext, identifier: string): object {
  const resource = findResource(identifier)
  if (!resource) throw new errors.InvalidTarget('unknown resource')
  const asked = oidc.params['scope']
  if (oidc.route === 'authorization' && asked !== resource.scope) {
    throw new errors.InvalidScope('a token carries the one scope of its resource', String(asked))
  }
  return {
    scope: resource.scope,
    audience: resource.audience,
    accessTokenFormat: resource.format,
    accessTokenTTL: TOKEN_TTL_SECONDS,
    ...(resource.format === 'jwt' ? { jwt: { sign: { alg: 'RS256' } } } : {}),
  }
}

function mayIntrospect(_: OidcContext, client: { clientId: string }, token: Token): boolean {
  return introspectorOf(token.aud) === client.clientId
}

function mayRevoke(_: OidcContext, client: { clientId: string }, token: Token): boolean {
  return token.clientId === client.clientId
}

function findAccount(_: OidcContext, id: string): object | undefined {
  const person = PEOPLE.find((one) => one.id === id)
  return person && { accountId: person.id, claims: () => ({ sub: person.id }) }
}

/** Own programs are asked for no consent: signing in grants exactly what the request named. */
async function grantWhatWasAsked({ oidc }: OidcContext): Promise<Grant> {
  const { accountId } = oidc.session
  const grant = new oidc.provider.Grant({ clientId: oidc.client.clientId, accountId })
  for (const [identifier, { scope }] of Object.entries(oidc.resourceServers ?? {})) {
    grant.addResourceScope(identifier, scope)
  }
  await grant.save()
  return grant
}

function claimsOfPerson(_: OidcContext, token: Token): object | undefined {
  const person = PEOPLE.find((one) => one.id === token.accountId)
  return (
    person && { organization_id: person.organizationId, roles: person.roles, email: person.email }
  )
}

function renderErrorAsText(
  context: { type: string; body: string },
  { error, error_description: why }: { error: string; error_description?: string },
): void {
  context.type = 'text/plain'
  context.body = `${error}: ${why ?? 'no further description'}\n`
}
