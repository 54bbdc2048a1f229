// The carrier of two realms over their real folders: certificates, anchors and lists that change while connections are open, and what
// the log and the metrics say of whom they refuse.

import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { duplexPair } from 'node:stream'
import { after, beforeEach, describe, test } from 'node:test'
import type { Act } from '../../../src/audit/index.ts'
import { Fault } from '../../../src/fault.ts'
import {
  createTurnedAway,
  type PeerDomain,
  type PeerQuestion,
  parsePeerDomain,
} from '../../../src/federation/index.ts'
import { type Carrier, joinCarrier } from '../../../src/main/carrier.ts'
import type { CarrierSettings } from '../../../src/main/carrier-files.ts'
import { createPeerWatch } from '../../../src/main/peer-watch.ts'
import { isRefusal } from '../../../src/refusal.ts'
import { createMetrics, silentLog } from '../../../src/runtime/index.ts'
import { instant } from '../../../src/time.ts'
import { makePeerRealm, makePeerRoot, type PeerLeaf } from '../../support/peer-certificates.ts'
import { ACME, codeOf, GLOBEX, until } from '../../support/peer-world.ts'

const PING: PeerQuestion = { path: '/federation/v1/ping', body: {}, trackingId: 'T' }
const folder = mkdtempSync(join(tmpdir(), 'keyrealm-carrier-'))
after(() => rmSync(folder, { recursive: true }))

interface Realm {
  readonly domain: PeerDomain
  readonly carrier: Carrier
  readonly acts: Act[]
  readonly asked: (string | undefined)[]
  answer: () => Promise<unknown>
  write(name: string, text: string): void
  remove(name: string): void
  renew(leaf: Pick<PeerLeaf, 'chainPem' | 'keyPem'>): void
  /** Runs what runs every two seconds. */
  look(): Promise<void>
  ask(to: PeerDomain): Promise<object>
  metrics(): Promise<string>
}

const realms = new Map<string, Realm>()

/** Streams of the core, without the core. */
const openStream = async (from: string, to: string) => {
  const target = realms.get(to)
  if (target === undefined) return 'unknown-domain' as const
  const [ours, theirs] = duplexPair()
  ours.once('close', () => theirs.destroy())
  theirs.once('close', () => ours.destroy())
  for (const raw of [ours, theirs]) raw.on('error', () => undefined)
  return target.carrier.onStream({ from, stream: theirs }) ? ours : ('too-many' as const)
}

const makeRealm = async (domain: PeerDomain, leaf: PeerLeaf, anchors: readonly string[]) => {
  const place = mkdtempSync(join(folder, 'realm-'))
  const at = (name: string) => join(place, name)
  const trustFolder = mkdtempSync(at('trust-'))
  const write = (name: string, text: string) =>
    writeFileSync(join(trustFolder, name), text, { mode: 0o600 })
  const renew = ({ chainPem, keyPem }: Pick<PeerLeaf, 'chainPem' | 'keyPem'>) => {
    writeFileSync(at('peer.pem'), chainPem)
    writeFileSync(at('peer.key'), keyPem, { mode: 0o600 })
  }
  renew(leaf)
  for (const [index, pem] of anchors.entries()) write(`anchor-${index}.pem`, pem)
  const settings: CarrierSettings = {
    certificateFile: at('peer.pem'),
    keyFile: at('peer.key'),
    trustFolder,
    requireCrl: false,
    relay: true,
    direct: [],
    tls: { requirePostQuantum: false },
  }
  const acts: Act[] = []
  const asked: (string | undefined)[] = []
  const metrics = createMetrics({ process: 'ignored' })
  const record = async (act: Act) => void acts.push(act)
  const turnedAway = createTurnedAway({ record, now: () => instant(Date.now()) })
  const federation = { listed: [ACME], carrier: settings }
  const watch = createPeerWatch({ federation, metrics, log: silentLog, turnedAway })
  const carrier = joinCarrier({
    ...{ settings, domain, metrics, watch, log: silentLog },
    openStream: (to) => openStream(domain, to),
    serve: async ({ connection }) => {
      asked.push(connection.certificateSha256)
      return { status: 200, body: await realm.answer() }
    },
  })
  const realm: Realm = {
    ...{ domain, carrier, acts, asked, write, renew },
    answer: async () => ({}),
    remove: (name) => rmSync(join(trustFolder, name)),
    look: async () => {
      for (const job of carrier.jobs) await job.run(new AbortController().signal)
    },
    ask: (to) => carrier.peers.ask(to, PING, instant(Date.now() + 3000)),
    metrics: async () => (await metrics.text()).body,
  }
  realms.set(domain, realm)
  return realm
}

const open = async () => {
  const papers = { acme: await makePeerRealm(ACME), globex: await makePeerRealm(GLOBEX) }
  const anchors = [papers.acme.root.pem, papers.globex.root.pem]
  const acme = await makeRealm(ACME, papers.acme.leaf, anchors)
  const globex = await makeRealm(GLOBEX, papers.globex.leaf, anchors)
  return { papers, acme, globex }
}

beforeEach(() => {
  for (const { carrier } of realms.values()) carrier.close()
  realms.clear()
})
after(() => {
  for (const { carrier } of realms.values()) carrier.close()
})

const shownBy = (reply: object): string =>
  'connection' in reply && typeof reply.connection === 'object'
    ? String(Object.entries(reply.connection ?? {}).find(([name]) => name === 'certificateSha256'))
    : ''

describe('our own certificate', () => {
  test('that is renewed is shown from then on, and what is open goes on', async () => {
    const { papers, acme, globex } = await open()
    const gate = Promise.withResolvers<object>()
    acme.answer = () => gate.promise
    const before = globex.ask(ACME)
    await until(() => acme.asked.length === 1)
    const next = await papers.globex.issuer.issue({ names: [{ type: 'dns', value: GLOBEX }] })
    globex.renew(next)
    await globex.look()
    acme.answer = async () => ({})
    // The old connection is busy: this one is new, and shows the new certificate.
    assert.equal(codeOf(await globex.ask(ACME)), 'answered')
    assert.equal(acme.asked.length, 2)
    assert.notEqual(acme.asked[0], acme.asked[1])
    gate.resolve({})
    assert.equal(codeOf(await before), 'answered')
  })

  test('whose two files are not both there yet changes nothing, and says so', async () => {
    const { papers, acme, globex } = await open()
    const next = await papers.globex.issuer.issue({ names: [{ type: 'dns', value: GLOBEX }] })
    const first = shownBy(await acme.ask(GLOBEX))
    globex.renew({ chainPem: next.chainPem, keyPem: papers.globex.leaf.keyPem })
    await assert.rejects(globex.look(), new Fault('main.peer-identity'))
    assert.equal(shownBy(await acme.ask(GLOBEX)), first)
    globex.renew(next)
    await globex.look()
    acme.carrier.close()
  })

  test('of another name, or of no name at all, does not start the carrier', async () => {
    const { issuer, root } = await makePeerRealm(GLOBEX)
    for (const value of ['kms.initech.example', '*.globex.example']) {
      const leaf = await issuer.issue({ names: [{ type: 'dns', value }] })
      await assert.rejects(makeRealm(GLOBEX, leaf, [root.pem]), new Fault('main.peer-identity'))
    }
  })
})

describe('an authority', () => {
  test('that is replaced while connections are open cuts those of the old one alone', async () => {
    const { papers, acme, globex } = await open()
    assert.equal(codeOf(await globex.ask(ACME)), 'answered')
    assert.equal(codeOf(await acme.ask(GLOBEX)), 'answered')
    // First both are trusted: nothing is cut. Then globex moves, then the old one goes.
    const root = await makePeerRoot({ name: 'globex next' })
    const issuer = await root.authority({ name: 'globex next issuer', pathLength: 0 })
    acme.write('next.pem', root.pem)
    await acme.look()
    const answered = acme.asked.length
    assert.equal(codeOf(await globex.ask(ACME)), 'answered')
    assert.equal(acme.asked.at(-1), acme.asked[answered - 1])
    globex.renew(await issuer.issue({ names: [{ type: 'dns', value: GLOBEX }] }))
    await globex.look()
    acme.remove('anchor-1.pem')
    await acme.look()
    assert.deepEqual(
      acme.acts.map(({ code, details }) => [code, details?.['begunBy']]),
      [
        ['federation.certificate-untrusted', 'us'],
        ['federation.certificate-untrusted', 'peer'],
      ],
    )
    assert.equal(codeOf(await globex.ask(ACME)), 'answered')
    assert.notEqual(acme.asked.at(-1), acme.asked[answered - 1])
    assert.equal(codeOf(await acme.ask(GLOBEX)), 'answered')
    assert.equal(papers.globex.domain, GLOBEX)
  })

  test('whose file is broken changes nothing, and says so', async () => {
    const { acme, globex } = await open()
    acme.write('anchor-1.pem', 'no certificate')
    await assert.rejects(acme.look(), new Fault('main.peer-trust'))
    assert.equal(codeOf(await globex.ask(ACME)), 'answered')
  })
})

describe('whoever is refused', () => {
  test('leaves an entry on the side that noticed, and a count', async () => {
    const { acme, globex, papers } = await open()
    const stranger = await makePeerRealm(GLOBEX)
    globex.renew(stranger.leaf)
    await globex.look()
    for (let n = 0; n < 5; n += 1) {
      assert.equal(codeOf(await acme.ask(GLOBEX)), 'federation.certificate-untrusted')
      const reply = await globex.ask(ACME)
      assert.ok(isRefusal(reply) && reply.about === 'federation.certificate-untrusted')
    }
    // The other side sees that somebody broke off, and not why.
    assert.ok(globex.acts.every(({ code }) => code === 'federation.peer-broken'))
    const [own, theirs] = acme.acts
    assert.equal(acme.acts.length, 2)
    assert.deepEqual(
      [own?.action, own?.code, own?.outcome],
      ['peer.refused', 'federation.certificate-untrusted', 'refused'],
    )
    assert.deepEqual(
      [own?.details?.['begunBy'], theirs?.details?.['begunBy'], own?.details?.['claimed']],
      ['us', 'peer', GLOBEX],
    )
    const text = await acme.metrics()
    const line =
      'realm_peers_refused_total{peer="other",begun_by="peer",code="federation.certificate-untrusted"} 5'
    assert.ok(text.includes(line), text)
    assert.ok(!text.includes(GLOBEX), 'a stranger became a series')
    assert.ok(papers.acme.domain)
  })

  test('is no peer that settings name: those have series of their own', async () => {
    const { acme, globex } = await open()
    assert.equal(codeOf(await globex.ask(ACME)), 'answered')
    const text = await globex.metrics()
    assert.ok(text.includes(`realm_peers_connections_count{peer="${ACME}",begun_by="us"} 1`), text)
    assert.ok(/realm_peers_handshakes_seconds_count\{[^}]*hybrid[^}]*\} 1/.test(text), text)
    assert.ok(text.includes(`realm_peers_answers_seconds_count{peer="${ACME}"} 1`), text)
    assert.ok(/realm_peers_certificate_left_seconds [1-9]/.test(text), text)
    assert.equal(acme.acts.length, 0)
  })

  test('because nobody knows the name is told that, at once', async () => {
    const { acme } = await open()
    const nobody = parsePeerDomain('kms.nobody.example')
    assert.ok(nobody)
    assert.equal(codeOf(await acme.ask(nobody)), 'federation.unknown-host')
  })
})
