// The carrier of two realms over their real folders: certificates, anchors and lists that change while connections are open, and what
// the log and the metrics say of whom they refuse.

import assert from 'node:assert/strict'
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
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
import { CommandError } from '../../../src/main/command-error.ts'
import { createPeerWatch } from '../../../src/main/peer-watch.ts'
import { isRefusal } from '../../../src/refusal.ts'
import { createMetrics, silentLog } from '../../../src/runtime/index.ts'
import { instant } from '../../../src/time.ts'
import { makePeerRealm, makePeerRoot, type PeerLeaf } from '../../support/peer-certificates.ts'
import { ACME, codeOf, GLOBEX, INITECH, until } from '../../support/peer-world.ts'

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
  readonly trustFolder: string
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

const makeRealm = async (
  domain: PeerDomain,
  leaf: PeerLeaf,
  anchors: readonly string[],
  before: (trustFolder: string) => void = () => undefined,
) => {
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
  before(trustFolder)
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
    ...{ domain, carrier, acts, asked, write, renew, trustFolder },
    answer: async () => ({}),
    remove: (name) => rmSync(join(trustFolder, name), { recursive: true }),
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

describe('anchors of one domain', () => {
  type Place = Pick<Realm, 'trustFolder' | 'write'>
  const tie = ({ trustFolder, write }: Place, name: string, pem: string) => {
    mkdirSync(join(trustFolder, name))
    write(`${name}/anchor.pem`, pem)
  }
  const unusable = async ({ metrics }: Realm) =>
    /realm_peers_anchors_unusable_count (\d+)/.exec(await metrics())?.[1]

  test('that come while its connections are open cut them: its next request is refused, both ways', async () => {
    const { acme, globex } = await open()
    assert.equal(codeOf(await globex.ask(ACME)), 'answered')
    assert.equal(codeOf(await acme.ask(GLOBEX)), 'answered')
    tie(acme, GLOBEX, (await makePeerRoot({ name: 'another' })).pem)
    await acme.look()
    const code = 'federation.certificate-untrusted'
    const reply = await globex.ask(ACME)
    assert.ok(isRefusal(reply) && reply.about === code)
    assert.equal(codeOf(await acme.ask(GLOBEX)), code)
    assert.ok(acme.acts.every((act) => act.action === 'peer.refused' && act.code === code))
    const told = acme.acts.map(({ actor, details }) => [actor.id, details?.['begunBy']])
    assert.ok(told.some(([id, begunBy]) => id === GLOBEX && begunBy === 'peer'))
    assert.ok(told.some(([id, begunBy]) => id === GLOBEX && begunBy === 'us'))
    acme.remove(GLOBEX)
    await acme.look()
    assert.equal(codeOf(await globex.ask(ACME)), 'answered')
  })

  test('that are its own change nothing for it', async () => {
    const { papers, acme, globex } = await open()
    tie(acme, GLOBEX, papers.globex.root.pem)
    acme.remove('anchor-1.pem')
    await acme.look()
    assert.equal(codeOf(await globex.ask(ACME)), 'answered')
    assert.equal(codeOf(await acme.ask(GLOBEX)), 'answered')
  })

  const strange: Readonly<Record<string, (acme: Place, pem: string) => void>> = {
    'are in an empty folder': ({ trustFolder }) => mkdirSync(join(trustFolder, GLOBEX)),
    'are beside a file that is none': (acme, pem) => {
      tie(acme, GLOBEX, pem)
      acme.write(`${GLOBEX}/broken.pem`, 'no certificate')
    },
    'are beside a folder': (acme, pem) => {
      tie(acme, GLOBEX, pem)
      mkdirSync(join(acme.trustFolder, GLOBEX, 'more'))
    },
    'are reached by a link': ({ trustFolder }, pem) => {
      const elsewhere = mkdtempSync(join(folder, 'elsewhere-'))
      writeFileSync(join(elsewhere, 'anchor.pem'), pem)
      symlinkSync(elsewhere, join(trustFolder, GLOBEX))
    },
    'are one link themselves': ({ trustFolder }) => {
      mkdirSync(join(trustFolder, GLOBEX))
      symlinkSync(join(trustFolder, 'anchor-1.pem'), join(trustFolder, GLOBEX, 'anchor.pem'))
    },
    'are under a link to nothing': ({ trustFolder }) =>
      symlinkSync(join(trustFolder, 'nothing'), join(trustFolder, GLOBEX)),
    'are under a link to itself': ({ trustFolder }) =>
      symlinkSync(join(trustFolder, GLOBEX), join(trustFolder, GLOBEX)),
    'are under a name in upper case': (acme, pem) => tie(acme, 'KMS.Globex.Example', pem),
    'are under a name with a dot at its end': (acme, pem) => tie(acme, `${GLOBEX}.`, pem),
    'are under a name in wide letters': (acme, pem) => tie(acme, 'kms.ｇｌｏｂｅｘ.example', pem),
    'are under its name and another spelling of it': (acme, pem) => {
      tie(acme, GLOBEX, pem)
      tie(acme, GLOBEX.toUpperCase(), pem)
    },
  }
  for (const [what, make] of Object.entries(strange)) {
    test(`that ${what} shut the domain out, are counted, and leave others alone`, async () => {
      const { papers, acme, globex } = await open()
      assert.equal(codeOf(await globex.ask(ACME)), 'answered')
      make(acme, papers.globex.root.pem)
      await acme.look()
      assert.equal(codeOf(await acme.ask(GLOBEX)), 'federation.anchors-unusable')
      const reply = await globex.ask(ACME)
      assert.ok(isRefusal(reply) && reply.about === 'federation.anchors-unusable')
      assert.ok(acme.acts.some(({ code }) => code === 'federation.anchors-unusable'))
      assert.equal(await unusable(acme), '1')
      const other = await makePeerRealm(INITECH)
      acme.write('initech.pem', other.root.pem)
      await acme.look()
      const initech = await makeRealm(INITECH, other.leaf, [papers.acme.root.pem])
      assert.equal(codeOf(await initech.ask(ACME)), 'answered')
    })

    test(`that ${what} do not let the realm start`, async () => {
      const { papers } = await open()
      const anchors = [papers.acme.root.pem, papers.globex.root.pem]
      const before = (trustFolder: string) => {
        const write = (name: string, text: string) => writeFileSync(join(trustFolder, name), text)
        make({ trustFolder, write }, papers.globex.root.pem)
      }
      await assert.rejects(makeRealm(ACME, papers.acme.leaf, anchors, before), (error) => {
        assert.ok(error instanceof CommandError && error.code === 'main.anchors-unusable')
        assert.match(error.message, /globex|ｇｌｏｂｅｘ/i)
        return true
      })
    })
  }

  test('under a name that means nobody do not let the realm start, are counted, and shut nobody out', async () => {
    const { papers, acme, globex } = await open()
    const names = ['partners', '*.globex.example', '192.0.2.7', 'kms..example']
    for (const [index, name] of names.entries()) {
      mkdirSync(join(acme.trustFolder, name))
      await acme.look()
      assert.equal(await unusable(acme), `${index + 1}`)
      assert.equal(codeOf(await globex.ask(ACME)), 'answered')
      const before = (at: string) => void mkdirSync(join(at, name))
      await assert.rejects(makeRealm(ACME, papers.acme.leaf, [], before), CommandError)
    }
  })

  test('are nothing that begins with a dot, as files are not', async () => {
    const { acme, globex } = await open()
    mkdirSync(join(acme.trustFolder, '.git'))
    await acme.look()
    assert.equal(await unusable(acme), '0')
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
