// One identity provider as seen from here: how it describes itself, one try at its keys, one try at a token.
// Each function makes at most two exchanges and answers undefined for "not now"; patience is the caller's.

import type { Agent } from 'node:https'
import { Fault } from '../fault.ts'
import type { Introspection } from '../identity/index.ts'
import { after, type Duration, type Instant, isPast, milliseconds, seconds } from '../time.ts'
import {
  createHttpsAgent,
  type HttpsProblem,
  isHttpsFailure,
  isHttpsUrl,
  requestJson,
} from './https-request.ts'
import type { HttpProxy } from './proxy.ts'

export interface ProviderSettings {
  /** An https URL, exactly as in the `iss` of its tokens. */
  readonly issuer: string
  /** PEM authorities to trust for this provider, and no others; absent: the system's. */
  readonly caPem?: string
  /** Where its keys are, instead of what it says itself. */
  readonly jwksUri?: string
  /** How we sign in for introspection (client_secret_basic); absent: this provider is never shown a token. */
  readonly introspection?: IntrospectionAccess
}

export interface IntrospectionAccess {
  readonly clientId: string
  readonly clientSecret: { expose(): Uint8Array }
  /** Where to ask, instead of what the provider says itself. */
  readonly endpoint?: string
}

/** For the log: what an operator should know. Never holds a token or an answer's text. */
export interface ProviderProblem {
  readonly issuer: string
  readonly asking: 'discovery' | 'keys' | 'introspection'
  readonly problem: HttpsProblem | 'other-issuer' | 'no-endpoint' | 'no-verdict' | 'not-set-up'
  readonly status?: number
}

export interface ContactSettings {
  readonly provider: ProviderSettings
  readonly proxy?: HttpProxy | undefined
  readonly now: () => Instant
  /** For one exchange. */
  readonly timeout: Duration
  readonly report: (problem: ProviderProblem) => void
}

export interface ProviderContact {
  fetchKeys(): Promise<unknown>
  introspect(token: string, timeout: Duration): Promise<Introspection | undefined>
  close(): void
}

interface Description {
  readonly jwksUri: string | undefined
  readonly introspectionEndpoint: string | undefined
  readonly readAt: Instant
}

/** Endpoints move rarely; after this the provider is asked for its description again. */
const DESCRIPTION_FRESH_FOR = seconds(3600)
/** Real key sets and descriptions have 1-10 kB. */
const ANSWER_MAX_BYTES = 256 * 1024

/** Throws a Fault `links.identity-provider-settings` for an issuer that is no https URL. */
export const createProviderContact = (settings: ContactSettings): ProviderContact => {
  const { provider, now } = settings
  const { issuer } = provider
  if (!isHttpsUrl(issuer)) throw new Fault('links.identity-provider-settings')
  const agent = createHttpsAgent(provider.caPem, settings.proxy)
  const authorization = provider.introspection && basicAuthorization(provider.introspection)
  const ask = createAsk(settings, agent)
  let description: Description | undefined

  const complain = (asking: ProviderProblem['asking'], problem: ProviderProblem['problem']) => {
    settings.report({ issuer, asking, problem })
    return undefined
  }

  const describe = async (timeout = settings.timeout): Promise<Description | undefined> => {
    if (description && !isPast(after(description.readAt, DESCRIPTION_FRESH_FOR), now())) {
      return description
    }
    const raw = await ask('discovery', { url: discoveryUrl(issuer), timeout })
    if (raw === undefined) return description
    const parsed = parseDescription(raw, issuer, now())
    // Discovery §4.3: another issuer in the document means another party answers.
    if (parsed === undefined) complain('discovery', 'other-issuer')
    description = parsed
    return description
  }

  const describedEndpoint = async (timeout: Duration): Promise<string | undefined> => {
    const described = await describe(timeout)
    if (described === undefined) return undefined
    return described.introspectionEndpoint ?? complain('introspection', 'no-endpoint')
  }

  return {
    async fetchKeys() {
      const url = provider.jwksUri ?? (await describe())?.jwksUri
      if (url !== undefined) {
        const keys = await ask('keys', { url })
        if (keys !== undefined) return keys
      } else if (description !== undefined) {
        complain('keys', 'no-endpoint')
      }
      // Perhaps the endpoints moved: read the description again next time.
      description = undefined
      return undefined
    },
    async introspect(token, timeout) {
      const deadline = after(now(), timeout)
      if (authorization === undefined) return complain('introspection', 'not-set-up')
      const url = provider.introspection?.endpoint ?? (await describedEndpoint(timeout))
      if (url === undefined) return undefined
      const left = milliseconds(deadline - now())
      if (left === 0) return undefined
      const form = { token, token_type_hint: 'access_token' }
      const raw = await ask('introspection', { url, form, authorization, timeout: left })
      if (raw === undefined) return undefined
      return parseIntrospection(raw) ?? complain('introspection', 'no-verdict')
    },
    close: () => agent.destroy(),
  }
}

interface Wanted {
  readonly url: string
  readonly timeout?: Duration
  readonly form?: Readonly<Record<string, string>>
  readonly authorization?: string
}

/** The JSON of a good answer; undefined, after a report, for any other. */
function createAsk({ provider, timeout, report }: ContactSettings, agent: Agent) {
  return async (asking: ProviderProblem['asking'], wanted: Wanted): Promise<unknown> => {
    const answer = await requestJson({
      agent,
      timeout,
      answerMaxBytes: ANSWER_MAX_BYTES,
      ...wanted,
    })
    if (!isHttpsFailure(answer)) return answer.json
    report({ issuer: provider.issuer, asking, ...answer })
    return undefined
  }
}

/** Discovery §4: any trailing slash of the issuer goes before the path is appended. */
function discoveryUrl(issuer: string): string {
  return `${issuer.replace(/\/$/, '')}/.well-known/openid-configuration`
}

function parseDescription(raw: unknown, issuer: string, readAt: Instant): Description | undefined {
  if (!isObject(raw) || raw['issuer'] !== issuer) return undefined
  const { jwks_uri: jwksUri, introspection_endpoint: introspectionEndpoint } = raw
  return {
    jwksUri: isHttpsUrl(jwksUri) ? jwksUri : undefined,
    introspectionEndpoint: isHttpsUrl(introspectionEndpoint) ? introspectionEndpoint : undefined,
    readAt,
  }
}

function parseIntrospection(raw: unknown): Introspection | undefined {
  if (!isObject(raw)) return undefined
  if (raw['active'] === false) return { active: false }
  return raw['active'] === true ? { active: true, claims: raw } : undefined
}

/** RFC 6749 §2.3.1: both parts are form-encoded before they are joined. */
function basicAuthorization({ clientId, clientSecret }: IntrospectionAccess): string {
  const secret = new TextDecoder().decode(clientSecret.expose()).trim()
  const pair = `${formEncoded(clientId)}:${formEncoded(secret)}`
  return `Basic ${Buffer.from(pair, 'utf8').toString('base64')}`
}

function formEncoded(text: string): string {
  return new URLSearchParams({ '': text }).toString().slice(1)
}

function isObject(raw: unknown): raw is Record<string, unknown> {
  return typeof raw === 'object' && raw !== null && !Array.isArray(raw)
}
