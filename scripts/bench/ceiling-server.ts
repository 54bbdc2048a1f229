// The ceiling: a retrieval without our work. A bare hono server that opens each message and seals an answer of the
// real size, by the fastest path node:crypto has; no identity, no rights, no store, no record. Parameters: two ports,
// certificate, its key, and the key that all messages are sealed with (it protects nothing).
import { readFileSync } from 'node:fs'
import { createServer } from 'node:https'
import { createAdaptorServer } from '@hono/node-server'
import { Hono } from 'hono'
import { type Channel, channelOf, open, seal } from './generator/channel.ts'

interface Question {
  readonly requestId: string
  readonly uri: string
  readonly client: { readonly clientId: string; readonly credential: { readonly userId: string } }
}

const [httpPort, httpsPort, certificateFile = '', keyFile = '', keyB64u = ''] =
  process.argv.slice(2)
const HOST = '127.0.0.1'
const URI = 'kms://kms.acme.example'
const UUID = '0b8f6a3e-51c7-4d92-a6be-3f7d20c9e114'

const channel = channelOf(`${URI}/ecdhe/${UUID}`, Buffer.from(keyB64u, 'base64url'))
const fetch = createApp(channel).fetch
createAdaptorServer({ fetch }).listen(Number(httpPort), HOST)
createAdaptorServer({
  fetch,
  createServer,
  serverOptions: { cert: readFileSync(certificateFile), key: readFileSync(keyFile) },
}).listen(Number(httpsPort), HOST)

function createApp(shared: Channel): Hono {
  const app = new Hono()
  app.get('/readyz', (context) => context.body(null))
  app.post('/echo', async (context) => {
    const { kmsMessages }: { kmsMessages: readonly string[] } = await context.req.json()
    return context.json({ kmsMessages: kmsMessages.map((compact) => echo(compact, shared)) })
  })
  return app
}

function echo(compact: string, shared: Channel): string {
  const { requestId, uri, client }: Question = JSON.parse(open(compact, shared))
  const date = '2026-03-01T10:00:00.000Z'
  const answer = {
    status: 200,
    requestId,
    key: {
      uri,
      jwk: { kty: 'oct', kid: uri, k: 'WY-QoAfRkIy07Hm5gW9LQQtdTZ70IoFQEQH_6TP2qo4' },
      userId: client.credential.userId,
      clientId: client.clientId,
      createDate: date,
      bindDate: date,
      resourceUri: `${URI}/resources/${UUID}`,
    },
  }
  return seal(JSON.stringify(answer), shared)
}
