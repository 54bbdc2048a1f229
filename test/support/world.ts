// A whole realm in this process: real store, real cryptography, real tokens; only the clock stands still
// and the identity provider's keys are at hand. The world is thrown away with its folder.

import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { generateKeyPem, issueCertificate } from '../../scripts/dev/certs/issue.ts'
import {
  createPublisher,
  createRecorder,
  type Publisher,
  type PublisherParts,
  signCheckpoint,
  signStatement,
  type VerifierKey,
  verifierKeyOf,
} from '../../src/audit/index.ts'
import { aesKeyFrom, createRsaWorkers, SecretBytes, systemRandom } from '../../src/crypto/index.ts'
import {
  createForeignHome,
  createServePeer,
  createTurnedAway,
  type FederationPolicy,
  type PeerLink,
  type Signer,
} from '../../src/federation/index.ts'
import type { OrganizationId, UserId } from '../../src/id.ts'
import { createAuthenticator } from '../../src/identity/index.ts'
import type { IndexedStore, IndexLedger } from '../../src/indexer/index.ts'
import {
  Bearers,
  Channels,
  Committer,
  createCorridor,
  createLedger,
  createPeerDesk,
  ensureLogKeys,
  importIdentity,
  Keyring,
  type KmsSettings,
  LogKeys,
  type OpenMainKey,
  People,
  StaticKeys,
  unlockKeyring,
} from '../../src/kms/index.ts'
import { urisOf } from '../../src/protocol/index.ts'
import type { RefusalCode } from '../../src/refusal.ts'
import { type OpenStore, openStore, type StoreSettings } from '../../src/store/index.ts'
import { after, type Duration, type Instant, seconds } from '../../src/time.ts'
import {
  ACME,
  anIssuer,
  aProvider,
  aSigner,
  GLOBEX,
  organization,
  signJwt,
  someClaims,
} from '../unit/identity/world.ts'
import { Device, type Json } from './device.ts'

export const DOMAIN = 'kms.acme.example'
export const HOME = `kms://${DOMAIN}`
export const PEOPLE = {
  alice: '0b8f6a3e-51c7-4d92-a6be-3f7d20c9e114',
  bob: '11111111-51c7-4d92-a6be-3f7d20c9e115',
  carol: '22222222-51c7-4d92-a6be-3f7d20c9e116',
  olivia: '33333333-51c7-4d92-a6be-3f7d20c9e117',
  gina: '44444444-51c7-4d92-a6be-3f7d20c9e118',
} as const
export type Name = keyof typeof PEOPLE

// Made once a process: RSA keys are slow to make, and these prove nothing by being fresh.
const signer = aSigner('k1', 'ec')
const caKey = generateKeyPem()
const caProfile = { kind: 'root', commonName: 'Test CA', dnsNames: [], ipAddresses: [] } as const
const ca = { certificatePem: issueCertificate(caProfile, caKey), keyPem: caKey }
const leafKey = generateKeyPem()
const chainPemFor = (domain: string): string => {
  const profile = { commonName: domain, dnsNames: [domain], ipAddresses: [] }
  const leafPem = issueCertificate({ kind: 'identity', ...profile }, leafKey, ca)
  return `${leafPem}\n${ca.certificatePem}`
}
export const CHAIN_PEM = chainPemFor(DOMAIN)
export const LEAF_KEY_PEM = leafKey
export { ca as CERTIFICATE_AUTHORITY }

export const someSettings = (changes: Partial<KmsSettings> = {}): KmsSettings => ({
  domain: DOMAIN,
  organizations: [organization(ACME), organization(GLOBEX)],
  sessionLifetime: seconds(3600),
  sessionGrace: seconds(60),
  sessionsPerDevice: 50,
  sessionsPerUser: 100,
  unboundLifetime: seconds(30 * 24 * 3600),
  keysPerRequest: 100,
  sameCreateFor: seconds(120),
  unboundPerUser: 1000,
  sealedMessageMaxChars: 256 * 1024,
  sealedAnswerMaxChars: 2 * 1024 * 1024,
  complianceRole: 'spark.kms_orgagent',
  identityPatience: seconds(0.05),
  liveChannels: 1000,
  ...changes,
})

const originOf = (domain: string): string => `${domain}/log`
export const ORIGIN = originOf(DOMAIN)

export interface WorldOptions {
  readonly settings?: Partial<KmsSettings>
  readonly store?: StoreSettings
  /** Puts something between the realm and its store: a fault, a kill. */
  readonly wrapStore?: (store: IndexedStore) => IndexedStore
  /** Absent: the realm works alone. */
  readonly federation?: { readonly policy: FederationPolicy; readonly link: PeerLink }
}

const mainKeys = (organizations: readonly OrganizationId[], now: Instant): readonly OpenMainKey[] =>
  organizations.map((organizationId, index) => ({
    mainKey: { id: `00000000-0000-4000-8000-00000000000${index}`, organizationId, createdAt: now },
    key: aesKeyFrom(new Uint8Array(32).fill(index + 1)),
  }))

export interface Entry extends Json {
  readonly action: string
  readonly outcome: string
}

/** One start of the process of a realm: everything in memory, on a store that outlives it. */
const boot = async (options: WorldOptions, opened: OpenStore, now: () => Instant) => {
  const store = options.wrapStore?.(opened) ?? opened
  const settings = someSettings(options.settings)
  const recorder = createRecorder('acme', 'node-1', systemRandom.uuid())
  const ledger = createLedger(store, recorder, now)
  const keyring = new Keyring(systemRandom)
  const mains = mainKeys(settings.organizations, now())
  await unlockKeyring(keyring, mains, ledger, systemRandom)
  const workers = createRsaWorkers({ threads: 1 })
  const uris = urisOf(settings.domain)
  const bearers = new Bearers(uris, keyring, now)
  const provider = aProvider()
  provider.jwks.keys.push(signer.publicJwk)
  const authenticator = createAuthenticator({
    issuers: [anIssuer({ organizationIds: new Set(settings.organizations) })],
    provider,
    now,
    bearers,
  })
  const staticKeys = new StaticKeys(store, keyring, workers)
  const channels = new Channels(store, keyring, settings.sessionGrace, settings.liveChannels)
  const { domain } = settings
  const federation = options.federation
  const foreign =
    federation && createForeignHome({ domain, now, removed: async () => undefined, ...federation })
  const means = {
    ...{ settings, uris, random: systemRandom, keyring },
    ...(foreign === undefined ? {} : { foreign }),
  }
  const people = new People(systemRandom)
  const logKeys = new LogKeys(keyring)
  const faults: unknown[] = []
  const committer = new Committer(ledger, { means, people })
  const corridor = createCorridor({
    ...means,
    sealedMessageMaxChars: settings.sealedMessageMaxChars,
    channels,
    staticKeys,
    workers,
    bearers,
    authenticator,
    committer,
    now,
    onFault: (fault) => faults.push(fault),
  })
  const onFault = (fault: unknown) => faults.push(fault)
  const desk = createPeerDesk({ ...means, bearers, committer, now, onFault })
  const statements: Signer = {
    sign: async (statement) =>
      logKeys.signing && signStatement(statement, originOf(domain), logKeys.signing),
  }
  const turnedAway = createTurnedAway({
    record: (act) => ledger.commit(async () => ({ result: undefined, acts: [act] })),
    now,
  })
  const isUnlocked = () => keyring.isUnlocked
  const servePeer =
    federation &&
    createServePeer(
      {
        ...{ domain, policy: federation.policy, desk, store, ledger, signer: statements },
        ...{ isUnlocked, turnedAway },
      },
      onFault,
    )
  const importStaticKey = () =>
    importIdentity(
      {
        chainPem: domain === DOMAIN ? CHAIN_PEM : chainPemFor(domain),
        privateKeyPem: SecretBytes.from(new TextEncoder().encode(LEAF_KEY_PEM)),
      },
      { settings, keyring, ledger },
      now(),
    )
  await staticKeys.reload()
  if (staticKeys.published === undefined) {
    await importStaticKey()
    await staticKeys.reload()
  }
  const unlock = () => unlockKeyring(keyring, mains, ledger, systemRandom)
  const kept: string[] = []
  const publisherParts: PublisherParts = {
    database: store,
    holder: 'node-1',
    originOf: () => originOf(domain),
    useKeys: (epoch) => logKeys.follow(epoch, () => opened.read((tx) => tx.logKeys.all('log'))),
    sign: (checkpoint, moment) =>
      logKeys.signing && signCheckpoint(checkpoint, logKeys.signing, Math.floor(moment / 1000)),
    keep: (note) => void kept.push(note),
    recorded: recorder.unpublished,
    now,
    heldFor: seconds(5),
    renewedAfter: seconds(60),
  }
  const publisher = createPublisher(publisherParts)
  const knowLogKeys = async (): Promise<readonly VerifierKey[]> => {
    const organizationId = settings.organizations[0]
    const made = await ensureLogKeys(ledger, { keyring, random: systemRandom, organizationId })
    logKeys.know(made)
    return made.map((key) => verifierKeyOf(originOf(domain), key))
  }
  if (federation !== undefined) await knowLogKeys()
  return {
    settings,
    foreign,
    servePeer,
    statements,
    ledger,
    keyring,
    workers,
    provider,
    staticKeys,
    channels,
    people,
    corridor,
    faults,
    importStaticKey,
    unlock,
    publisher,
    publisherParts,
    knowLogKeys,
    logKeys,
    kept,
  }
}

type Booted = Awaited<ReturnType<typeof boot>>

export class World {
  readonly store: OpenStore
  readonly #options: WorldOptions
  readonly #folder: string
  #now: Instant
  #booted: Booted

  private constructor(
    options: WorldOptions,
    folder: string,
    store: OpenStore,
    booted: Booted,
    now: Instant,
  ) {
    this.#options = options
    this.#folder = folder
    this.store = store
    this.#booted = booted
    this.#now = now
  }

  static async open(options: WorldOptions = {}): Promise<World> {
    const folder = mkdtempSync(join(tmpdir(), 'keyrealm-world-'))
    const store = await openStore(
      options.store ?? { kind: 'sqlite', file: join(folder, 'realm.sqlite') },
    )
    const start = (Math.floor(Date.now() / 1000) * 1000) as Instant
    const holder: { world?: World } = {}
    const booted = await boot(options, store, () => holder.world?.now() ?? start)
    holder.world = new World(options, folder, store, booted, start)
    return holder.world
  }

  get realm(): Booted {
    return this.#booted
  }

  get ledger(): IndexLedger {
    return this.#booted.ledger
  }

  get means() {
    return { random: systemRandom, uris: urisOf(this.#booted.settings.domain) }
  }

  now(): Instant {
    return this.#now
  }

  advance(duration: Duration): void {
    this.#now = after(this.#now, duration)
  }

  /** The process dies; another one starts on the same store. */
  async restart(): Promise<void> {
    await this.#booted.workers.close()
    this.#booted = await boot(this.#options, this.store, () => this.now())
  }

  /** Integrates and publishes every entry that there is; the checkpoint and whose signatures it carries. */
  async publish(): Promise<{ readonly note: string; readonly keys: readonly VerifierKey[] }> {
    const keys = await this.#booted.knowLogKeys()
    const publisher: Publisher = this.#booted.publisher
    while ((await publisher.step()).did === 'published');
    const { checkpoint: note } = await this.store.read((tx) => tx.tree.head())
    return { note, keys }
  }

  token(userId: string, changes: Json = {}): string {
    const issuedAt = Math.floor(this.#now / 1000)
    const claims = { sub: userId, roles: [], iat: issuedAt, exp: issuedAt + 8 * 3600 }
    return signJwt(signer, someClaims({ ...claims, ...changes }), { alg: 'ES256' })
  }

  /** A device that has not shaken hands yet. */
  device(name: Name, claims: Json = {}, deviceName = 'laptop'): Device {
    const userId = PEOPLE[name]
    const organizationId = name === 'gina' ? GLOBEX : ACME
    return this.deviceWith(
      userId,
      this.token(userId, { organization_id: organizationId, ...claims }),
      `https://core.example/devices/${name}-${deviceName}`,
    )
  }

  deviceWith(userId: string, bearer: string, clientId: string): Device {
    const sender = {
      corridor: () => this.#booted.corridor,
      staticJwk: () => this.#booted.staticKeys.published?.publicJwkJson ?? '',
      home: `kms://${this.#booted.settings.domain}`,
    }
    return new Device(sender, { userId, clientId, bearer })
  }

  /** A device with a session. */
  async signedIn(name: Name, claims: Json = {}, deviceName = 'laptop'): Promise<Device> {
    const device = this.device(name, claims, deviceName)
    await device.shake()
    return device
  }

  async entries(): Promise<readonly Entry[]> {
    const entries = await this.store.read((tx) => tx.audit.read(0, 1_000_000))
    return entries.map(({ body }) => JSON.parse(body))
  }

  async lastEntry(): Promise<Entry> {
    const last = (await this.entries()).at(-1)
    if (last === undefined) throw new Error('the log is empty')
    return last
  }

  /** Asserts that the answer is a refusal of that status, recorded under that code. */
  async refused(answer: Json, status: number, code: RefusalCode): Promise<void> {
    assert.deepEqual(
      { status: answer['status'], code: (await this.lastEntry())['code'] },
      { status, code },
    )
    assert.equal(typeof answer['reason'], 'string')
    assert.deepEqual(Object.keys(answer).sort(), ['reason', 'requestId', 'status'])
  }

  async pseudonymOf(name: Name): Promise<string | undefined> {
    const userId = PEOPLE[name] as UserId
    return (await this.store.read((tx) => tx.people.find([userId]))).get(userId)?.pseudonym
  }

  async close(): Promise<void> {
    await this.#booted.workers.close()
    await this.store.close()
    rmSync(this.#folder, { recursive: true, force: true })
  }
}

interface KeyJson {
  readonly uri: string
  readonly jwk: { readonly kty: string; readonly kid: string; readonly k: string }
  readonly [member: string]: unknown
}

export const keysOf = (answer: Json): readonly KeyJson[] => (answer['keys'] ?? []) as KeyJson[]
export const keyOf = (answer: Json): KeyJson => answer['key'] as KeyJson
export const resourceOf = (answer: Json) =>
  answer['resource'] as { uri: string; keyUris: string[]; authorizationUris: string[] }
export const authorizationsOf = (answer: Json) =>
  (answer['authorizations'] ?? []) as {
    uri: string
    authId: string
    resourceUri: string
    bearer?: string
  }[]

/** A resource of the device's own with one bound key and these other people. */
export const aRoom = async (device: Device, others: readonly string[] = []) => {
  const [key] = keysOf(await device.ask('create', '/keys', { count: 1 }))
  if (key === undefined) throw new Error('no key was made')
  const fields = { keyUris: [key.uri], userIds: [device.who.userId, ...others] }
  const resource = resourceOf(await device.ask('create', '/resources', fields))
  return { key, resource }
}
