// How fast the audit log is: entries recorded with their checkpoint published within a second, next to bare durable
// insertions of the same bytes; verification; proofs from a large tree. Ratios of one run; it asserts nothing.
// Usage: node scripts/bench/audit.ts [--seconds 10] [--verify 1000000] [--tree 10000000]

import { spawnSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { setTimeout } from 'node:timers/promises'
import { parseArgs } from 'node:util'
import { signCheckpoint, verifierKeyOf } from '../../src/audit/checkpoint.ts'
import { encodeEntry } from '../../src/audit/encode.ts'
import { type Act, createPublisher, createRecorder, tilePath } from '../../src/audit/index.ts'
import { EMPTY_TREE, grow, rootOfTree, type Tree } from '../../src/audit/integrate.ts'
import { formatVkey } from '../../src/audit/note.ts'
import { encodeBundle, type ReadTile, rootsOf, TILE_WIDTH } from '../../src/audit/tiles.ts'
import { inclusionRanges, leafHash } from '../../src/audit/tree.ts'
import { generateSigningKey, signingKeyFrom, systemRandom } from '../../src/crypto/index.ts'
import { createLedger } from '../../src/kms/index.ts'
import { type OpenStore, openStore, type StoreSettings } from '../../src/store/index.ts'
import { instant, seconds } from '../../src/time.ts'
import { startPostgres } from '../../test/support/postgres.ts'

const VERIFIER = join(import.meta.dirname, '../../verifier/audit-verify.mjs')
/** Loaded before the verifier: says at the end how much memory it took at most. */
const SAY_MEMORY = `data:text/javascript,process.on('exit',()=>process.stderr.write(Math.round(process.resourceUsage().maxRSS/1024)+' MiB at most'))`
const ORIGIN = 'kms.bench.example/log'
/** What the corridor commits together under load. */
const GROUP = 256
const PUBLISH_EVERY_MS = 250

const { values } = parseArgs({
  options: {
    seconds: { type: 'string', default: '10' },
    verify: { type: 'string', default: '1000000' },
    tree: { type: 'string', default: '10000000' },
  },
})
const runSeconds = Number(values.seconds)
const folder = mkdtempSync(join(tmpdir(), 'keyrealm-bench-audit-'))
const keys = (['ed25519', 'ml-dsa-44'] as const).map((algorithm) =>
  signingKeyFrom(algorithm, generateSigningKey(algorithm)),
)
const now = () => instant(Date.now())
const say = (line: string): void => void process.stdout.write(`${line}\n`)

const anAct = (index: number): Act => ({
  action: 'key.released',
  outcome: 'done',
  actor: { kind: 'person', id: 'd9b2d63d-a233-4123-847a-76838bf2413a' },
  clientId: 'https://core.bench.example/devices/9b2d63d-a233-4123',
  durationMs: 3,
  keys: [`kms://kms.bench.example/keys/0b8f6a3e-51c7-4d92-a6be-${index}`],
  method: 'retrieve',
  requestId: `0b8f6a3e-51c7-4d92-a6be-3f7d20c9e114-${index}`,
  session: 'kms://kms.bench.example/ecdhe/0b8f6a3e-51c7-4d92-a6be-3f7d20c9e114',
  sizeBytes: 1700,
  type: 'KEY',
  uri: `kms://kms.bench.example/keys/0b8f6a3e-51c7-4d92-a6be-${index}`,
})
const group = Array.from({ length: GROUP }, (_, index) => anAct(index))
const place = { realm: 'bench', node: 'node-1', boot: 'boot-1', counter: 1, time: now() }
const bodies = group.map((act) => encodeEntry(act, place))

/** Groups one after the other, as the ledger does, at most `perSecond` entries; how many it were. */
const measure = async (work: () => Promise<void>, perSecond?: number): Promise<number> => {
  const start = performance.now()
  let groups = 0
  while (performance.now() - start < runSeconds * 1000) {
    await work()
    groups += 1
    if (perSecond === undefined) continue
    const aheadMs = (groups * GROUP * 1000) / perSecond - (performance.now() - start)
    if (aheadMs > 0) await setTimeout(aheadMs)
  }
  return (groups * GROUP * 1000) / (performance.now() - start)
}

/** The same bytes, durably, and nothing else of the log. */
const bare = (store: OpenStore): Promise<number> =>
  measure(() =>
    store.transact(async (tx) => {
      const { sequence } = await tx.audit.head()
      const entries = bodies.map((body, index) => ({ sequence: sequence + 1 + index, body }))
      await tx.audit.append(entries, place.time)
    }),
  )

/** Publishes beside the recording, as the appliance's job does; the age of what each checkpoint covers first. */
const startPublishing = (store: OpenStore) => {
  const lags = { worstMs: 0 }
  const publisher = createPublisher({
    database: store,
    holder: 'bench',
    originOf: () => ORIGIN,
    sign: (checkpoint, moment) => signCheckpoint(checkpoint, keys, Math.floor(moment / 1000)),
    keep: () => undefined,
    now,
    heldFor: seconds(5),
    renewedAfter: seconds(60),
  })
  let isStopped = false
  const caughtUp = Promise.withResolvers<void>()
  const once = async (): Promise<void> => {
    const [oldest] = await store.read(async (tx) => tx.audit.read((await tx.tree.head()).size, 1))
    let step = await publisher.step()
    while (step.did === 'published' && step.isMore) step = await publisher.step()
    caughtUp.resolve()
    if (oldest === undefined) return
    const { time }: { time: string } = JSON.parse(oldest.body)
    lags.worstMs = Math.max(lags.worstMs, Date.now() - Date.parse(time))
  }
  const running = (async () => {
    while (!isStopped) {
      await once()
      await setTimeout(PUBLISH_EVERY_MS)
    }
  })()
  return {
    lags,
    caughtUp: caughtUp.promise,
    stop: async () => {
      isStopped = true
      await running
    },
  }
}

const benchStore = async (
  name: string,
  aim: number,
  settings: () => StoreSettings,
): Promise<void> => {
  const bareStore = await openStore(settings())
  const bareRate = await bare(bareStore)
  await bareStore.close()
  const store = await openStore(settings())
  const ledger = createLedger(store, createRecorder('bench', 'node-1', systemRandom.uuid()), now)
  const record = () => ledger.commit(async () => ({ result: undefined, acts: group }))
  const aloneRate = await measure(record)
  const publishing = startPublishing(store)
  await publishing.caughtUp
  publishing.lags.worstMs = 0
  const pacedRate = await measure(record, aim)
  const { worstMs } = publishing.lags
  const rate = await measure(record)
  await publishing.stop()
  await store.close()
  const share = (one: number) => `${Math.round(one)}/s, ${(one / bareRate).toFixed(2)} of bare`
  say(`${name}: bare durable insertions ${Math.round(bareRate)}/s`)
  say(`${name}: recorded, unpublished   ${share(aloneRate)}`)
  say(`${name}: recorded and published  ${share(rate)}`)
  say(
    `${name}: at ${Math.round(pacedRate)}/s of ${aim}/s asked, to published at worst ${worstMs} ms`,
  )
}

const put = (path: string, bytes: Uint8Array | string): void => {
  const file = join(folder, 'export', path)
  mkdirSync(dirname(file), { recursive: true })
  writeFileSync(file, bytes)
}

const benchVerify = (count: number): void => {
  let tree: Tree = EMPTY_TREE
  for (let first = 0; first < count; first += TILE_WIDTH) {
    const width = Math.min(TILE_WIDTH, count - first)
    const entries = Array.from({ length: width }, (_, index) =>
      Buffer.from(encodeEntry(anAct(first + index), { ...place, counter: first + index + 1 })),
    )
    put(tilePath({ level: 'entries', index: first / TILE_WIDTH, width }), encodeBundle(entries))
    const growth = grow(tree, entries.map(leafHash))
    for (const { level, index, hashes } of growth.tiles) {
      put(tilePath({ level, index, width: hashes.length / 32 }), hashes)
    }
    tree = growth.tree
  }
  const checkpoint = { origin: ORIGIN, size: tree.size, root: rootOfTree(tree) }
  put('checkpoint', signCheckpoint(checkpoint, keys, Math.floor(Date.now() / 1000)))
  const vkeys = keys.flatMap((key) => ['--key', formatVkey(verifierKeyOf(ORIGIN, key))])
  const start = performance.now()
  const ran = spawnSync(
    process.execPath,
    ['--import', SAY_MEMORY, VERIFIER, join(folder, 'export'), ...vkeys],
    { encoding: 'utf8' },
  )
  const took = performance.now() - start
  const verdict = ran.status === 0 ? 'intact and complete' : `exit code ${ran.status}`
  say(`verify: ${count} entries, ${Math.round((count * 1000) / took)}/s, ${verdict}, ${ran.stderr}`)
}

const benchProofs = async (count: number): Promise<void> => {
  const tiles = new Map<string, Uint8Array>()
  let tree: Tree = EMPTY_TREE
  const leaves = Array.from({ length: 65_536 }, (_, index) => leafHash(Buffer.from(`${index}`)))
  while (tree.size < count) {
    const growth = grow(tree, leaves)
    for (const { level, index, hashes } of growth.tiles) tiles.set(`${level}/${index}`, hashes)
    tree = growth.tree
  }
  const read: ReadTile = async (level, index) => tiles.get(`${level}/${index}`) ?? new Uint8Array()
  const times: number[] = []
  for (let run = 0; run < 5000; run++) {
    const index = Math.floor(Math.random() * tree.size)
    const start = performance.now()
    await rootsOf(read, inclusionRanges(index, tree.size))
    times.push(performance.now() - start)
  }
  times.sort((left, right) => left - right)
  const at = (share: number) => (times[Math.floor(times.length * share)] ?? 0).toFixed(3)
  say(`proofs: of ${tree.size} entries, tiles in memory: p50 ${at(0.5)} ms, p99 ${at(0.99)} ms`)
}

try {
  let number = 0
  await benchStore('SQLite', 10_000, () => {
    number += 1
    return { kind: 'sqlite', file: join(folder, `realm-${number}.sqlite`) }
  })
  const postgres = await startPostgres()
  if ('unavailable' in postgres) say(`PostgreSQL: left out, ${postgres.unavailable}`)
  else {
    const urls = await Promise.all([postgres.createDatabase(), postgres.createDatabase()])
    await benchStore('PostgreSQL', 5000, () => ({
      kind: 'postgres',
      url: urls.pop() ?? '',
      poolSize: 4,
    }))
    await postgres.stop()
  }
  benchVerify(Number(values.verify))
  await benchProofs(Number(values.tree))
} finally {
  rmSync(folder, { recursive: true, force: true })
}
