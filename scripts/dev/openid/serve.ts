// The development identity provider as a value: start it, rotate its signing key, close it.
// It listens on 127.0.0.1 only; there is no option to make it listen elsewhere.
import { mkdirSync, readFileSync } from 'node:fs'
import { createServer, type Server } from 'node:https'
import type { AddressInfo } from 'node:net'
import { Provider } from 'oidc-provider'
import { type OpenedRecords, openRecords } from './records.ts'
import { addSigningKey, signingKeys } from './secrets.ts'
import { providerSettings } from './settings.ts'
import { answerSignInPage, isSignInPage } from './sign-in-page.ts'

export interface IdentityProviderWanted {
  /** Where keys, secrets and issued tokens are kept; made (0700) when missing. */
  readonly directory: string
  /** 0 picks a free port. */
  readonly port: number
  readonly certificateFile: string
  readonly keyFile: string
}

export interface IdentityProvider {
  readonly issuer: string
  /** New tokens are signed by a new key from now on; the older keys stay published. */
  rotateSigningKey(): void
  close(): Promise<void>
}

export async function startIdentityProvider(
  wanted: IdentityProviderWanted,
): Promise<IdentityProvider> {
  const { directory } = wanted
  mkdirSync(directory, { recursive: true, mode: 0o700 })
  const records = openRecords(`${directory}/records.sqlite`)
  const server = createServer({
    cert: readFileSync(wanted.certificateFile),
    key: readFileSync(wanted.keyFile),
    minVersion: 'TLSv1.3',
  })
  const port = await listen(server, wanted.port)
  const issuer = `https://127.0.0.1:${port}`

  // A rotation replaces the provider: it reads its keys once, and all that it remembers is in `records`.
  let provider = makeProvider(issuer, directory, records)
  let callback = provider.callback()
  server.on('request', (request, response) => {
    if (!isSignInPage(request)) return callback(request, response)
    answerSignInPage({ provider, request, response }).catch((error: unknown) => {
      console.error('identity provider: sign-in page failed:', error)
      response.destroy()
    })
  })
  return {
    issuer,
    rotateSigningKey() {
      addSigningKey(directory)
      provider = makeProvider(issuer, directory, records)
      callback = provider.callback()
    },
    async close() {
      await closed(server)
      records.close()
    },
  }
}

function makeProvider(issuer: string, directory: string, records: OpenedRecords): Provider {
  const settings = providerSettings({ directory, records, signingKeys: signingKeys(directory) })
  const provider = new Provider(issuer, settings)
  provider.on('server_error', (_, error) => console.error('identity provider:', error))
  return provider
}

function listen(server: Server, port: number): Promise<number> {
  return new Promise((resolve, reject) => {
    server.once('error', reject)
    server.listen(port, '127.0.0.1', () => resolve((server.address() as AddressInfo).port))
  })
}

function closed(server: Server): Promise<void> {
  return new Promise((resolve) => {
    server.close(() => resolve())
    server.closeAllConnections()
  })
}
