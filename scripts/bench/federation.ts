// How fast a key comes from another organisation, as ratios measured in one run: beside the same key at home, and beside a plain
// HTTPS request over the same hops.
//   node scripts/bench/federation.ts [--rounds N]

import { connect } from 'node:tls'
import { parseArgs } from 'node:util'
import type { Device } from '../../test/support/device.ts'
import { aRoom, keysOf, PEOPLE } from '../../test/support/world.ts'
import { openPeers, type Way } from './federation/peers.ts'
import { openPlain } from './federation/plain.ts'
import { type Row, table } from './report.ts'
import { ratio, spreadOf } from './statistics.ts'

const { values } = parseArgs({ options: { rounds: { type: 'string', default: '60' } } })
const ROUNDS = Number(values.rounds)
const WAYS: readonly Way[] = ['direct', 'relayed']
const BATCH = 50

type Work = () => Promise<unknown>

/** In turns, so that whatever else the machine does is done to all of them. */
const inTurns = async (
  works: Readonly<Record<string, { readonly before?: () => void; work: Work }>>,
) => {
  const taken = new Map<string, number[]>(Object.keys(works).map((name) => [name, []]))
  for (let round = 0; round < ROUNDS; round += 1) {
    for (const [name, { before, work }] of Object.entries(works)) {
      before?.()
      const since = performance.now()
      await work()
      taken.get(name)?.push(performance.now() - since)
    }
  }
  return (name: string) => spreadOf(taken.get(name) ?? [])
}

const rowsOf = async (
  works: Parameters<typeof inTurns>[0],
  against: Readonly<Record<string, string>>,
): Promise<readonly Row[]> => {
  const spread = await inTurns(works)
  return Object.keys(works).map((name) => ({
    what: name,
    'p50 ms': spread(name).p50,
    'p99 ms': spread(name).p99,
    ...Object.fromEntries(
      Object.entries(against).map(([title, other]) => [
        title,
        ratio(spread(name).p50, spread(other).p50),
      ]),
    ),
  }))
}

const peers = await openPeers()
const plain = await openPlain({
  server: peers.papers.acme.leaf,
  client: peers.papers.globex.leaf,
  anchors: peers.anchors,
})

const pings = async (): Promise<readonly Row[]> => {
  for (const way of WAYS) await peers.ping(way)
  await plain.twoHops()
  return rowsOf(
    {
      'plain HTTPS, one hop, warm': { work: plain.oneHop },
      'plain HTTPS, two hops, warm': { work: plain.twoHops },
      'ping direct, warm': { work: () => peers.ping('direct') },
      'ping relayed, warm': { work: () => peers.ping('relayed') },
      'plain HTTPS, one hop, cold': { work: plain.oneHopCold },
      'ping direct, cold': {
        before: () => peers.hangUp('direct'),
        work: () => peers.ping('direct'),
      },
      'ping relayed, cold': {
        before: () => peers.hangUp('relayed'),
        work: () => peers.ping('relayed'),
      },
    },
    { 'of one hop': 'plain HTTPS, one hop, warm', 'of two hops': 'plain HTTPS, two hops, warm' },
  )
}

const handshakes = async (): Promise<readonly Row[]> => {
  const { chainPem: cert, keyPem: key } = peers.papers.globex.leaf
  const shake = async (way: Way, ecdhCurve: string): Promise<void> => {
    const dialled = await peers.dial(way)
    if (!('raw' in dialled)) throw new Error(dialled.refused)
    const socket = connect({
      ...{ socket: dialled.raw, cert, key, ca: [...peers.anchors], ecdhCurve },
      ...{ minVersion: 'TLSv1.3', checkServerIdentity: () => undefined },
    })
    await new Promise((resolve, reject) => {
      socket.once('secureConnect', resolve)
      socket.once('error', reject)
    })
    socket.destroy()
    dialled.raw.destroy()
  }
  const works = WAYS.flatMap((way) =>
    ['X25519', 'X25519MLKEM768'].map(
      (group) => [`${group}, ${way}`, { work: () => shake(way, group) }] as const,
    ),
  )
  return rowsOf(Object.fromEntries(works), { 'of classical direct': 'X25519, direct' })
}

const read = async (device: Device, uris: readonly string[]): Promise<void> => {
  const answers = await Promise.all(uris.map((uri) => device.ask('retrieve', uri)))
  const bad = answers.find(({ status }) => status !== 200)
  if (bad !== undefined) throw new Error(JSON.stringify(bad))
}

const retrievals = async (): Promise<readonly Row[]> => {
  const { realms } = peers
  const [alice, gina] = [await realms.acme.signedIn('alice'), await realms.globex.signedIn('gina')]
  const { key, resource } = await aRoom(alice, [PEOPLE.gina])
  const made = keysOf(await alice.ask('create', '/keys', { count: BATCH }))
  for (const { uri } of made) await alice.ask('update', uri, { resourceUri: resource.uri })
  const batch = made.map(({ uri }) => uri)
  const by = (way: Way, uris: readonly string[], isCold = false) => ({
    before: () => {
      peers.take(way)
      if (isCold) peers.hangUp(way)
    },
    work: () => read(gina, uris),
  })
  return rowsOf(
    {
      'one key at home': { work: () => read(alice, [key.uri]) },
      'one key direct, warm': by('direct', [key.uri]),
      'one key relayed, warm': by('relayed', [key.uri]),
      'one key direct, cold': by('direct', [key.uri], true),
      'one key relayed, cold': by('relayed', [key.uri], true),
      'plain HTTPS, two hops, warm': { work: plain.twoHops },
      [`${BATCH} keys at home`]: { work: () => read(alice, batch) },
      [`${BATCH} keys direct, warm`]: by('direct', batch),
      [`${BATCH} keys relayed, warm`]: by('relayed', batch),
    },
    {
      'of one at home': 'one key at home',
      [`of ${BATCH} at home`]: `${BATCH} keys at home`,
      'of two hops': 'plain HTTPS, two hops, warm',
    },
  )
}

console.log(`${ROUNDS} rounds, in turns, both realms and the core in this process\n`)
console.log(`the way alone\n\n${table(await pings())}\n`)
console.log(`handshakes, from dialling to both ends proved\n\n${table(await handshakes())}\n`)
console.log(
  `retrievals, from the sealed question to the opened answer\n\n${table(await retrievals())}`,
)
plain.close()
await peers.close()
