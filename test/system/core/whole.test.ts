// The realm's link and the core together, over real TLS; and the core as a process of its own.
import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { type CoreLink, openCoreLink } from '../../../src/links/index.ts'
import { createMetrics, silentLog, systemClock } from '../../../src/runtime/index.ts'
import { listenAs } from './fake-device.ts'
import { answersTo, helloOf } from './fake-realm.ts'
import { createInbox } from './inbox.ts'
import { ACME, type CoreWorld, openCoreWorld } from './world.ts'

let world: CoreWorld
let link: CoreLink
const states = createInbox<'up' | 'down'>()
let deliverTo = ''
const handled: string[] = []

before(async () => {
  world = await openCoreWorld()
  link = openCoreLink({
    url: `wss://localhost:${world.core.linkPort}`,
    tls: { ca: world.authority.ca, ...world.authority.client(ACME.domain) },
    hello: () => helloOf(ACME.domain, [ACME.organizationId]),
    handle: async (post) => {
      handled.push(...post.kmsMessages)
      return answersTo(post, deliverTo)
    },
    withdraw: async ({ id }) => ({ type: 'answers', id, answers: [], declined: 'rooms.withdrawn' }),
    onRosters: async () => undefined,
    onSearch: async ({ id }) => ({ type: 'search-declined', id, status: 503, code: 'kms.locked' }),
    onNews: () => undefined,
    onOffboarded: async () => undefined,
    onState: (state) => states.put(state),
    log: silentLog,
    metrics: createMetrics({ process: 'ignored' }),
    clock: systemClock,
    times: { backOffFirstMs: 10, backOffMostMs: 50 },
  })
  assert.equal(await states.take(), 'up')
})
after(async () => {
  await link.close()
  await world.close()
})

const post = (...kmsMessages: readonly string[]) =>
  world.ask('POST', '/encryption/api/v1/kms/messages', {
    token: 'alice',
    body: { destination: `kms://${ACME.domain}`, kmsMessages },
  })

test('a post goes all the way and its answers come back, also after the core has restarted', async () => {
  const device = await world.register('alice')
  deliverTo = device.url
  for (const isFirst of [true, false]) {
    if (!isFirst) {
      await world.restart()
      assert.equal(await states.take(), 'down')
      assert.equal(await states.take(), 'up')
    }
    const mercury = await listenAs(device.webSocketUrl, { ca: world.authority.ca, token: 'alice' })
    assert.equal((await post('one', 'two')).status, 202)
    const events = [await mercury.events.take(), await mercury.events.take()]
    assert.match(JSON.stringify(events), /answer-0.*answer-1/)
    for (const event of events) mercury.acknowledge(event)
    mercury.close()
  }
  assert.deepEqual(handled, ['one', 'two', 'one', 'two'])
})

const runAsProcess = (configFile: string) => {
  const main = join(import.meta.dirname, '../../../src/core/main.ts')
  const program = `import { runCore } from ${JSON.stringify(main)}; await runCore(process.argv[1])`
  const child = spawn(process.execPath, ['--input-type=module', '-e', program, configFile])
  const text = { out: '', err: '' }
  child.stdout.on('data', (chunk: Buffer) => {
    text.out += chunk
  })
  child.stderr.on('data', (chunk: Buffer) => {
    text.err += chunk
  })
  return { child, text }
}

test('a core with an unknown setting does not start, and names it', async () => {
  const file = join(world.directory, 'wrong.json')
  await writeFile(file, '{"limits":{"bodyByte":1}}')
  const { child, text } = runAsProcess(file)
  const [code] = await once(child, 'close')
  assert.equal(code, 78)
  assert.match(text.err, /limits\.bodyByte: unknown setting/)
})

test('a core runs from its settings file and stops on SIGTERM', async () => {
  const file = join(world.directory, 'core.json')
  const tls = { host: '127.0.0.1', port: 0, certFile: 'cert.pem', keyFile: 'key.pem' }
  const settings = {
    listen: tls,
    link: { ...tls, clientCaFile: 'ca.pem' },
    health: { port: 0 },
    database: { file: 'process.sqlite' },
    identity: {
      issuer: world.provider.issuer,
      clientId: 'core',
      clientSecretFile: 'secret',
      tlsCaFile: 'ca.pem',
    },
    realms: [{ domain: ACME.domain, organizationIds: [ACME.organizationId] }],
  }
  await writeFile(file, JSON.stringify(settings))
  const { child, text } = runAsProcess(file)
  while (!text.out.includes('process.ready')) await once(child.stdout, 'data')
  child.kill('SIGTERM')
  const [code] = await once(child, 'close')
  assert.equal(code, 0, text.err)
})
