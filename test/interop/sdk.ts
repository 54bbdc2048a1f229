// Signs a user in with the real, unmodified Webex SDK: its device, Mercury, encryption, KMS, batcher
// and certificate code. We supply settings, a quiet logger and the addresses of cloud.ts; no method
// of the SDK is replaced. The types below say only what the tests use; the packages carry none.
import assert from 'node:assert/strict'
import { createRequire } from 'node:module'
import { signInToken, startCloud } from './cloud.ts'
import { tolerate } from './leaks.ts'
import { carootsOf, realmOf, type User } from './world.ts'

export interface KmsKey {
  readonly uri: string
  readonly userId?: string
  readonly bindDate?: string
  readonly resourceUri?: string
  readonly jwk: { readonly kid: string; toJSON(withSecret: true): { k: string } }
}

export interface Authorization {
  readonly uri: string
  readonly authId: string
  readonly resourceUri: string
  /** `…/roles/agent` is a machine: the indexer stands in every room's list. */
  readonly roleUri: string
}

/** Of people and resources; machines are not counted. */
export const authIdsIn = (listed: readonly Authorization[]): string[] =>
  listed.filter(({ roleUri }) => !roleUri.endsWith('/roles/agent')).map(({ authId }) => authId)

export interface Resource {
  readonly uri: string
  readonly keyUris: readonly string[]
  readonly authorizationUris: readonly string[]
}

interface KroName {
  readonly kro?: Resource
  readonly kroUri?: string
}

interface CustomerKey {
  readonly assignedOrgId: string
  readonly awsKms?: boolean
  readonly customerMasterKey?: string
  readonly keyId?: string
  readonly keyState?: string
}

export interface Kms {
  ping(): Promise<{ status: number; requestId: string }>
  createUnboundKeys(options: { count: number }): Promise<KmsKey[]>
  createResource(options: {
    userIds?: string[]
    key?: KmsKey
    keys?: KmsKey[]
    keyUris?: string[]
  }): Promise<Resource>
  bindKey(options: KroName & { key?: KmsKey; keyUri?: string }): Promise<KmsKey>
  fetchKey(options: { uri: string; onBehalfOf?: string }): Promise<KmsKey>
  addAuthorization(
    options: KroName & { userIds?: string[]; authIds?: string[] },
  ): Promise<Authorization[]>
  listAuthorizations(options: KroName): Promise<Authorization[]>
  removeAuthorization(
    options: KroName & { userId?: string; authId?: string },
  ): Promise<Authorization[]>
  fetchPublicKey(options: CustomerKey): Promise<string>
  uploadCustomerMasterKey(options: CustomerKey): Promise<unknown>
  listAllCustomerMasterKey(options: CustomerKey): Promise<unknown>
  changeCustomerMasterKeyState(options: CustomerKey): Promise<unknown>
  useGlobalMasterKey(options: CustomerKey): Promise<unknown>
  deleteAllCustomerMasterKeys(options: CustomerKey): Promise<unknown>
  request(payload: object): Promise<{ status: number; requestId: string } & Record<string, unknown>>
  _getContext(): Promise<{ ephemeralKey: { uri: string; expirationDate: Date } }>
}

/** A Secure Content Reference, the SDK's name for a pointer to an encrypted file. */
export interface Scr {
  loc?: string
  readonly enc: string
  readonly key: string
  readonly iv: string
}

interface OnBehalfOf {
  readonly onBehalfOf?: string
}

/** A key itself or the URI of one: the SDK takes both. */
type KeyName = string | KmsKey

export interface Encryption {
  readonly kms: Kms
  getKey(uri: string, options?: OnBehalfOf): Promise<KmsKey>
  encryptText(key: KeyName, text: string, options?: OnBehalfOf): Promise<string>
  decryptText(key: KeyName, ciphertext: string, options?: OnBehalfOf): Promise<string>
  encryptBinary(file: Buffer): Promise<{ scr: Scr; cdata: Buffer }>
  decryptBinary(scr: Scr, file: Buffer): Promise<Buffer>
  encryptBinaryData(key: KeyName, data: Buffer, options?: OnBehalfOf): Promise<string>
  decryptBinaryData(key: KeyName, jwe: string, options?: OnBehalfOf): Promise<Buffer>
  encryptScr(key: KeyName, scr: Scr, options?: OnBehalfOf): Promise<string>
  decryptScr(key: KeyName, jwe: string, options?: OnBehalfOf): Promise<Scr>
}

interface Mercury {
  readonly connected: boolean
  connect(): Promise<void>
  disconnect(): Promise<void>
  on(event: string, listener: (event: unknown) => void): void
}

interface Webex {
  readonly internal: {
    readonly encryption: Encryption
    readonly mercury: Mercury
    readonly device: {
      readonly url: string
      readonly userId: string
      register(): Promise<void>
      unregister(): Promise<void>
    }
  }
  request(options: object): Promise<{ statusCode: number; body: Record<string, unknown> }>
  readonly ready: boolean
  on(event: string, listener: () => void): void
  once(event: string, listener: () => void): void
}

export interface KmsError extends Error {
  readonly status: number
  readonly reason: string
  readonly requestId: string
  readonly body: { readonly status: number; readonly reason: string }
}

const cloudUrl = await startCloud()
Object.assign(process.env, {
  NODE_ENV: 'production', // anything else makes the SDK log tokens and keys in clear
  U2C_SERVICE_URL: `${cloudUrl}/u2c/api/v1`,
  HYDRA_SERVICE_URL: `${cloudUrl}/hydra/v1`,
  SQDISCOVERY_SERVICE_URL: `${cloudUrl}/v1/region`,
  IDBROKER_BASE_URL: cloudUrl,
  IDENTITY_BASE_URL: cloudUrl,
  WEBEX_CLIENT_ID: 'keyrealm-interop',
  WEBEX_SCOPE: 'spark:all spark:kms',
})

const require = createRequire(import.meta.url)
const webexCore = require('@webex/webex-core') as {
  default: new (settings: object) => Webex
  WebexPlugin: { extend(members: object): unknown }
  registerPlugin(name: string, plugin: unknown, options: { replace: true }): void
}
const encryptionPlugin = require('@webex/internal-plugin-encryption') as {
  KmsError: new () => KmsError
  DryError: new () => KmsError & { readonly statusCode: number }
}
const validation =
  require('@webex/internal-plugin-encryption/dist/kms-certificate-validation.js') as {
    KMSError: new () => Error
  }

export const { KmsError, DryError } = encryptionPlugin
/** What the certificate validator throws; differs from KmsError by more than its letters. */
export const InvalidKms = validation.KMSError

const log = process.env['KEYREALM_INTEROP_LOG'] ? console.error : () => {}
const LEVELS = ['error', 'warn', 'log', 'info', 'debug', 'trace']
const quietLogger = Object.fromEntries(LEVELS.map((level) => [level, log]))
webexCore.registerPlugin('logger', webexCore.WebexPlugin.extend(quietLogger), { replace: true })

// The SDK leaves one rejected promise unattended for every refusal it reports properly elsewhere.
tolerate((reason) => reason instanceof KmsError || reason instanceof InvalidKms)

/** One signed-in client: its own device, socket and KMS session. */
export class Sdk {
  readonly user: User
  readonly webex: Webex
  readonly encryption: Encryption
  readonly kms: Kms
  /** Every time the Mercury client lost its socket. */
  readonly offline: unknown[] = []

  constructor(user: User, caroots: readonly string[], settings: object) {
    this.user = user
    this.webex = new webexCore.default({
      credentials: {
        supertoken: { access_token: signInToken(user), scope: 'spark:all spark:kms' },
      },
      config: { encryption: { caroots }, ...settings },
    })
    this.encryption = this.webex.internal.encryption
    this.kms = this.encryption.kms
    this.webex.internal.mercury.on('offline', (event) => this.offline.push(event))
  }

  /** URI of the agreed session key, to prove that no new handshake took its place. */
  async sessionUri(): Promise<string> {
    return (await this.kms._getContext()).ephemeralKey.uri
  }

  /** A key bound to a new resource that authorises this user and the others. */
  async room(...others: User[]): Promise<{ key: KmsKey; kro: Resource }> {
    const key = await this.newKey()
    const userIds = [this.user, ...others].map(({ id }) => id)
    return { key, kro: await this.kms.createResource({ key, userIds }) }
  }

  async newKey(): Promise<KmsKey> {
    const [key] = await this.kms.createUnboundKeys({ count: 1 })
    if (!key) throw new Error('the KMS created no key')
    return key
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.webex.internal.mercury.disconnect()
    await this.webex.internal.device.unregister()
  }
}

/** Signs in with certificate validation on; `caroots` defaults to the roots of the user's realm. */
export async function signIn(
  user: User,
  options: { caroots?: readonly string[]; settings?: object } = {},
): Promise<Sdk> {
  const caroots = options.caroots ?? carootsOf(realmOf(user))
  const sdk = new Sdk(user, caroots, options.settings ?? {})
  if (!sdk.webex.ready) await new Promise<void>((resolve) => sdk.webex.once('ready', resolve))
  await sdk.webex.internal.mercury.connect()
  return sdk
}

export function secretOf(key: KmsKey): string {
  return key.jwk.toJSON(true).k
}

/** Awaits the refusal the SDK reports for a request, and checks its kind and status. */
export async function refusalOf(request: Promise<unknown>, status = 403): Promise<KmsError> {
  const refusal = await request.then(
    () => assert.fail('the KMS granted what it should refuse'),
    (reason: unknown) => reason,
  )
  assert(refusal instanceof KmsError, String(refusal))
  assert.equal(refusal.status, status)
  return refusal
}
