// Signed-in JSON over HTTP to the core. A 401 gets one fresh token and one more try; other errors are told as they are.

import { ClientError } from './errors.ts'
import { type JsonObject, parseJsonObject } from './json.ts'
import type { ClientTransport, HttpExchange } from './transport.ts'

/** Gives an access token; `renew` asks for another one than last time, since that one was refused. */
export type TokenSource = (options: { readonly renew: boolean }) => string | Promise<string>

export interface HttpClient {
  /** Any answer, also an error. Rejects only `client.unreachable`. */
  send(method: HttpExchange['method'], url: string, body?: JsonObject): Promise<HttpResult>
  /** The object of a 2xx answer. Rejects `client.core-refused` with the status, `client.invalid-answer`. */
  ask(method: HttpExchange['method'], url: string, body?: JsonObject): Promise<JsonObject>
}

export interface HttpResult {
  readonly status: number
  /** Absent if the body is no JSON object. */
  readonly json: JsonObject | undefined
}

export const isSuccess = (status: number): boolean => status >= 200 && status < 300

/** The core's "no", with its stable code if it gave one; whatever else the core wrote is left out. */
export const coreRefusal = ({ status, json }: HttpResult): ClientError => {
  const code = json?.['code']
  const isCode = typeof code === 'string' && /^[a-z]+\.[a-z-]{1,60}$/.test(code)
  return new ClientError('client.core-refused', isCode ? code : undefined, status)
}

/** `deviceUrl`: named in a header, as real clients do, so that the core knows who asks. */
export const createHttpClient = (
  transport: ClientTransport,
  token: TokenSource,
  deviceUrl?: string,
): HttpClient => {
  const attempt = async (
    renew: boolean,
    wanted: {
      readonly method: HttpExchange['method']
      readonly url: string
      readonly body?: JsonObject
    },
  ): Promise<HttpResult> => {
    const { method, url, body } = wanted
    const headers = {
      authorization: `Bearer ${await token({ renew })}`,
      accept: 'application/json',
      ...(deviceUrl === undefined ? {} : { 'cisco-device-url': deviceUrl }),
      ...(body === undefined ? {} : { 'content-type': 'application/json' }),
    }
    const request = { method, url, headers }
    const text = body && JSON.stringify(body)
    const answer = await transport.exchange(
      text === undefined ? request : { ...request, body: text },
    )
    return { status: answer.status, json: parseJsonObject(answer.body) }
  }

  const send: HttpClient['send'] = async (method, url, body) => {
    const wanted = body === undefined ? { method, url } : { method, url, body }
    const first = await attempt(false, wanted)
    return first.status === 401 ? attempt(true, wanted) : first
  }

  return {
    send,
    async ask(method, url, body) {
      const result = await send(method, url, body)
      const { status, json } = result
      if (!isSuccess(status)) throw coreRefusal(result)
      if (json === undefined) throw new ClientError('client.invalid-answer')
      return json
    },
  }
}
