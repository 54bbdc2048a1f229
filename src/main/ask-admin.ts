// A command's question to the running appliance, over its admin listener.

import { request as requestHttp } from 'node:http'
import { request as requestHttps } from 'node:https'
import { text } from 'node:stream/consumers'
import { readNamedFile, readSecret, type Settings } from '../config/index.ts'
import { adminTokenFile } from './admin-token.ts'
import { CommandError } from './command-error.ts'

const ANSWER_WITHIN_MS = 15_000

const send = (settings: Settings, method: string, path: string, body: string) => {
  const { host, port, tls } = settings.listeners.admin
  const token = new TextDecoder().decode(readSecret({ file: adminTokenFile(settings) }))
  const options = {
    host,
    port,
    method,
    path: `/admin/v1/${path}`,
    timeout: ANSWER_WITHIN_MS,
    headers: {
      authorization: `Bearer ${token}`,
      'content-type': 'application/json',
      'content-length': Buffer.byteLength(body),
    },
  }
  if (tls === undefined) return requestHttp(options)
  // Our own certificate, read from our own disk, is all there is to trust here.
  return requestHttps({ ...options, ca: readNamedFile(tls.certificateFile) })
}

/** The answer's JSON. Throws a CommandError if nobody answers or the answer is a problem. */
export const askAdmin = async (
  settings: Settings,
  method: 'GET' | 'POST',
  path: string,
  body?: object,
): Promise<Readonly<Record<string, unknown>>> => {
  const payload = body === undefined ? '' : JSON.stringify(body)
  const { promise, resolve, reject } = Promise.withResolvers<{ status: number; text: string }>()
  const asked = send(settings, method, path, payload)
  asked.on('timeout', () => asked.destroy())
  asked.on('error', () =>
    reject(new CommandError('main.not-running', 'the appliance does not answer')),
  )
  asked.on('response', (answer) => {
    text(answer).then(
      (content) => resolve({ status: answer.statusCode ?? 0, text: content }),
      reject,
    )
  })
  asked.end(payload)
  const answer = await promise
  const parsed: Readonly<Record<string, unknown>> = JSON.parse(answer.text)
  if (answer.status >= 400) {
    throw new CommandError(
      String(parsed['code']),
      String(parsed['detail'] ?? parsed['title'] ?? 'refused'),
    )
  }
  return parsed
}
