// All that stands in for the Webex cloud: a service directory and a token endpoint on 127.0.0.1.
// The SDK's own services and credentials plugins talk to it over HTTP. No KMS traffic comes here.
import assert from 'node:assert/strict'
import { createServer, type IncomingMessage } from 'node:http'
import type { AddressInfo } from 'node:net'
import { world } from './world.ts'

const USERS = world.realms.flatMap(({ users }) => users)

/** The sign-in token our users start with: the SDK reads the organisation from its third part. */
export function signInToken(user: { id: string; organizationId: string }): string {
  return `signin_${user.id}_${user.organizationId}`
}

function catalogFor(cloudUrl: string): unknown {
  return {
    serviceLinks: {
      u2c: `${cloudUrl}/u2c/api/v1`,
      idbroker: cloudUrl,
      identity: cloudUrl,
      metrics: `${cloudUrl}/metrics/api/v1`,
      wdm: world.core.wdmUrl,
      encryption: world.core.encryptionUrl,
      conversation: world.core.conversationUrl,
      argonaut: world.core.searchUrl,
    },
    hostCatalog: {},
  }
}

/** Scope reduction: the sign-in token becomes the token of exactly the scope asked for. */
async function reduceScope(request: IncomingMessage): Promise<unknown> {
  const form = new URLSearchParams(Buffer.concat(await request.toArray()).toString())
  const user = USERS.find((candidate) => signInToken(candidate) === form.get('token'))
  assert(user, 'unknown sign-in token')
  const token = form.get('scope') === 'spark:kms' ? user.kmsToken : user.coreToken
  return { access_token: token, token_type: 'Bearer' }
}

/** Starts the stand-in on a free port. It does not keep the process alive. */
export async function startCloud(): Promise<string> {
  const server = createServer(async (request, response) => {
    const { pathname } = new URL(request.url ?? '/', 'http://cloud.invalid')
    let answer: unknown = {}
    if (pathname.endsWith('/catalog')) answer = catalogFor(cloudUrl)
    if (pathname.endsWith('/oauth2/v1/access_token')) answer = await reduceScope(request)
    response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(answer))
  })
  server.unref()
  server.on('connection', (socket) => socket.unref())
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const cloudUrl = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  return cloudUrl
}
