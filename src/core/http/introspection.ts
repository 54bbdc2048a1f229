// Asks the identity provider about a token (RFC 7662), over TLS, as a confidential client. It verifies
// no signature: the core holds no cryptography. An answer that did not come is not a "no".

import { type Agent, request } from 'node:https'

export interface Provider {
  readonly issuer: string
  /** Found by discovery (RFC 8414, OpenID Connect Discovery 1.0 §4) where the settings do not name it. */
  readonly introspectionEndpoint?: string
  readonly clientId: string
  readonly clientSecret: string
  readonly agent: Agent
  readonly timeoutMs: number
}

/** Raw claims of a token; `unavailable` if the provider could not be asked. */
export type Introspect = (token: string) => Promise<{ readonly claims: unknown } | 'unavailable'>

const ANSWER_MAX_BYTES = 64 * 1024

export const introspectAt = (provider: Provider): Introspect => {
  const credentials = `${formEncode(provider.clientId)}:${formEncode(provider.clientSecret)}`
  const headers = {
    authorization: `Basic ${Buffer.from(credentials).toString('base64')}`,
    'content-type': 'application/x-www-form-urlencoded',
    accept: 'application/json',
  }
  let endpoint = provider.introspectionEndpoint
  return async (token) => {
    try {
      endpoint ??= await discover(provider)
      const body = new URLSearchParams({ token, token_type_hint: 'access_token' }).toString()
      return { claims: await ask(provider, new URL(endpoint), { method: 'POST', headers, body }) }
    } catch {
      // Whatever went wrong, the caller's token was not judged; the text may quote what we sent.
      return 'unavailable'
    }
  }
}

/** RFC 6749 §2.3.1: both halves of the Basic credentials are form-encoded first. */
const formEncode = (text: string): string => new URLSearchParams({ '': text }).toString().slice(1)

const discover = async (provider: Provider): Promise<string> => {
  const issuer = provider.issuer.replace(/\/$/, '')
  const url = new URL(`${issuer}/.well-known/openid-configuration`)
  const raw = await ask(provider, url, { method: 'GET', headers: { accept: 'application/json' } })
  const found = typeof raw === 'object' && raw !== null ? new Map(Object.entries(raw)) : undefined
  const endpoint = found?.get('introspection_endpoint')
  if (found?.get('issuer') !== provider.issuer) throw new Error('another issuer')
  if (typeof endpoint !== 'string' || new URL(endpoint).protocol !== 'https:') {
    throw new Error('no introspection endpoint')
  }
  return endpoint
}

interface Question {
  readonly method: string
  readonly headers: Readonly<Record<string, string>>
  readonly body?: string
}

const ask = (provider: Provider, url: URL, question: Question): Promise<unknown> => {
  const { method, headers, body } = question
  const signal = AbortSignal.timeout(provider.timeoutMs)
  return new Promise((resolve, reject) => {
    const sent = request(url, { agent: provider.agent, method, headers, signal }, (answer) => {
      const chunks: Buffer[] = []
      let size = 0
      answer.on('data', (chunk: Buffer) => {
        size += chunk.length
        if (size > ANSWER_MAX_BYTES) sent.destroy(new Error('answer too large'))
        else chunks.push(chunk)
      })
      answer.on('error', reject)
      answer.on('end', () => {
        if (answer.statusCode !== 200) return reject(new Error('status'))
        try {
          resolve(JSON.parse(Buffer.concat(chunks).toString('utf8')))
        } catch (cause) {
          reject(cause)
        }
      })
    })
    sent.on('error', reject)
    sent.end(body)
  })
}
