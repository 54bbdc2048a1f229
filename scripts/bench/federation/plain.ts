// What the ways between realms are compared with: a plain HTTPS request, directly, and through a second server that passes it on.
// The same TLS 1.3, the same key exchange, certificates of the same kind on both ends, and no other work.

import { Agent, createServer, request, type Server } from 'node:https'
import type { PeerLeaf } from '../../../test/support/peer-certificates.ts'

interface Papers {
  readonly server: PeerLeaf
  readonly client: PeerLeaf
  readonly anchors: readonly string[]
}

const IDLE_MS = 120_000
const BOTH = { minVersion: 'TLSv1.3', ecdhCurve: 'X25519MLKEM768' } as const

const optionsOf = ({ chainPem, keyPem }: PeerLeaf, ca: readonly string[]) => ({
  ...{ ...BOTH, cert: chainPem, key: keyPem, ca: [...ca] },
})

const post = (agent: Agent, port: number, body: string): Promise<string> =>
  new Promise((resolve, reject) => {
    const headers = {
      'content-type': 'application/json',
      'content-length': Buffer.byteLength(body),
    }
    const to = { agent, port, method: 'POST', path: '/', headers, host: '127.0.0.1' }
    const outgoing = request(to, (incoming) => {
      const chunks: Buffer[] = []
      incoming.on('data', (chunk: Buffer) => chunks.push(chunk))
      incoming.on('end', () => resolve(Buffer.concat(chunks).toString()))
    })
    outgoing.on('error', reject)
    outgoing.end(body)
  })

const listen = async (server: Server): Promise<number> => {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const address = server.address()
  if (address === null || typeof address === 'string') throw new TypeError('no port')
  return address.port
}

export const openPlain = async ({ server, client, anchors }: Papers) => {
  const names = { checkServerIdentity: () => undefined }
  const newAgent = () =>
    new Agent({ ...optionsOf(client, anchors), ...names, keepAlive: true, maxCachedSessions: 0 })
  const sides = { ...optionsOf(server, anchors), requestCert: true }
  const read = async (incoming: AsyncIterable<Buffer>): Promise<string> => {
    const chunks: Buffer[] = []
    for await (const chunk of incoming) chunks.push(chunk)
    return Buffer.concat(chunks).toString()
  }
  const home = createServer(sides, (incoming, outgoing) => {
    void read(incoming).then((text) => outgoing.end(text))
  })
  home.keepAliveTimeout = IDLE_MS
  const homePort = await listen(home)
  const onward = newAgent()
  const between = createServer(sides, (incoming, outgoing) => {
    void read(incoming)
      .then((text) => post(onward, homePort, text))
      .then((text) => outgoing.end(text))
  })
  between.keepAliveTimeout = IDLE_MS
  const betweenPort = await listen(between)
  const agent = newAgent()
  return {
    oneHop: async (): Promise<unknown> => post(agent, homePort, '{}'),
    twoHops: async (): Promise<unknown> => post(agent, betweenPort, '{}'),
    oneHopCold: async (): Promise<void> => {
      const once = newAgent()
      await post(once, homePort, '{}')
      once.destroy()
    },
    close: (): void => {
      agent.destroy()
      onward.destroy()
      for (const one of [home, between]) one.close()
    },
  }
}
