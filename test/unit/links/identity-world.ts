// A clock that only moves when told, and an HTTPS server on loopback that plays an OpenID provider, well or badly.

import { createServer, type Server } from 'node:https'
import type { AddressInfo } from 'node:net'
import { generateKeyPem, issueCertificate } from '../../../scripts/dev/certs/issue.ts'
import { after, type Duration, type Instant, instant } from '../../../src/time.ts'

export const aClock = () => {
  let now: Instant = instant(Date.UTC(2026, 2, 1, 10))
  let sleepers: { readonly at: Instant; readonly wake: () => void }[] = []
  return {
    now: () => now,
    wait: (duration: Duration) =>
      new Promise<void>((wake) => {
        sleepers.push({ at: after(now, duration), wake })
      }),
    /** Moves on, wakes who is due, and lets them go on until they sleep again. */
    async advance(duration: Duration): Promise<void> {
      await settled()
      now = after(now, duration)
      const due = sleepers.filter(({ at }) => at <= now)
      sleepers = sleepers.filter(({ at }) => at > now)
      for (const { wake } of due) wake()
      await settled()
    },
  }
}

export const settled = () => new Promise<void>((resolve) => setImmediate(resolve))

export interface Served {
  readonly status?: number
  readonly body: string
  /** Milliseconds before the answer; Infinity never answers. */
  readonly afterMs?: number
}

export interface Asked {
  readonly path: string
  readonly method: string
  readonly authorization: string | undefined
  readonly body: string
}

export interface LocalProvider {
  readonly issuer: string
  readonly caPem: string
  readonly clientSecret: string
  readonly asked: Asked[]
  /** By path; what is not here is a 404. */
  readonly pages: Map<string, Served>
  close(): Promise<void>
  reopen(): Promise<void>
  dispose(): Promise<void>
}

export const startLocalProvider = async (): Promise<LocalProvider> => {
  const tls = makeTls()
  const pages = new Map<string, Served>()
  const asked: Asked[] = []
  const serve = () => makeServer(tls, { pages, asked })
  let server = serve()
  const port = await listen(server, 0)
  const close = () => closed(server)
  return {
    issuer: `https://127.0.0.1:${port}`,
    caPem: tls.caPem,
    clientSecret: 's3cret:with/strange characters',
    asked,
    pages,
    close,
    async reopen() {
      server = serve()
      await listen(server, port)
    },
    async dispose() {
      await close()
    },
  }
}

/** Made once for all tests of a file: RSA keys cost time. */
export function makeTls() {
  const ca = { keyPem: generateKeyPem(), certificatePem: '' }
  const root = {
    ...ca,
    certificatePem: issueCertificate(
      { kind: 'root', commonName: 'Test TLS CA', dnsNames: [], ipAddresses: [] },
      ca.keyPem,
    ),
  }
  const keyPem = generateKeyPem()
  const certificatePem = issueCertificate(
    {
      kind: 'tls-server',
      commonName: 'localhost',
      dnsNames: ['localhost'],
      ipAddresses: ['127.0.0.1'],
    },
    keyPem,
    root,
  )
  return { caPem: root.certificatePem, keyPem, certificatePem }
}

function makeServer(
  tls: { readonly keyPem: string; readonly certificatePem: string },
  { pages, asked }: { readonly pages: Map<string, Served>; readonly asked: Asked[] },
): Server {
  return createServer({ key: tls.keyPem, cert: tls.certificatePem }, (request, response) => {
    let body = ''
    request.on('data', (chunk: Buffer) => {
      body += chunk.toString()
    })
    request.on('end', () => {
      const { url: path = '', method = '' } = request
      asked.push({ path, method, authorization: request.headers.authorization, body })
      const page = pages.get(path)
      const answer = () => {
        response.writeHead(page?.status ?? (page === undefined ? 404 : 200))
        response.end(page?.body)
      }
      if (page?.afterMs === undefined) answer()
      else if (Number.isFinite(page.afterMs)) setTimeout(answer, page.afterMs)
    })
  })
}

function listen(server: Server, port: number): Promise<number> {
  return new Promise((resolve, reject) => {
    server.once('error', reject)
    server.listen(port, '127.0.0.1', () => {
      const address = server.address() as AddressInfo
      resolve(address.port)
    })
  })
}

function closed(server: Server): Promise<void> {
  return new Promise((resolve) => {
    server.close(() => resolve())
    server.closeAllConnections()
  })
}
