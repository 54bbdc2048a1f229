// A realm ships its log over mutual TLS to an rsyslog that comes and goes: everything arrives, in order. A server of
// another authority gets nothing and raises an alarm, and nobody else is the worse for it.

import assert from 'node:assert/strict'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { setTimeout } from 'node:timers/promises'
import { AUTHORITY, aClient, aServer, FOREIGN_AUTHORITY } from '../support/log-certificates.ts'
import { createRsyslog, findRsyslog, type Rsyslog } from '../support/rsyslog.ts'
import { type RunningWorld, startRunningWorld } from '../support/running-world.ts'
import { parseHds, parseSyslog } from '../unit/audit/layouts/read-back.ts'

const folder = mkdtempSync(join(tmpdir(), 'keyrealm-shipping-'))
after(() => rmSync(folder, { recursive: true, force: true }))

const put = (name: string, text: string): string => {
  const file = join(folder, name)
  writeFileSync(file, text, { mode: 0o600 })
  return file
}

interface Status {
  readonly destination: string
  readonly delivered: number
  readonly lagEntries: number
  readonly isAlarm: boolean
  readonly lastError?: string
}

const statusOf = async (world: RunningWorld, name: string): Promise<Status> => {
  const { out } = await world.keyrealm('audit', 'ship-status', '--json')
  const all: readonly Status[] = JSON.parse(out)
  const found = all.find(({ destination }) => destination === name)
  if (found === undefined) throw new Error(out)
  return found
}

const until = async (isSo: () => Promise<boolean>, withinMs = 40_000): Promise<void> => {
  const deadline = performance.now() + withinMs
  while (!(await isSo())) {
    if (performance.now() > deadline) throw new Error('not so in time')
    await setTimeout(100)
  }
}

/** By the metrics: asking costs neither a process nor an entry. */
const hasCaughtUp = async (world: RunningWorld, name: string): Promise<boolean> => {
  const { body } = await world.page(world.acme.healthPort, '/metrics')
  return body.split('\n').includes(`realm_audit_ship_lag_count{destination="${name}"} 0`)
}

/** Reading the log is recorded: a page is an entry. */
const someEntries = async (world: RunningWorld, count: number): Promise<void> => {
  for (let page = 0; page < count; page += 1) {
    await world.page(world.acme.logPort, '/log/entries?limit=1')
    await setTimeout(15)
  }
}

const shipTo = (port: number) => {
  const client = aClient()
  const tls = {
    caFile: put('ca.pem', AUTHORITY.certificatePem),
    serverName: 'logs.acme.example',
    certificateFile: put('client.pem', client.certificatePem),
    keyFile: put('client-key.pem', client.keyPem),
  }
  const syslog = { kind: 'syslog-tls', host: '127.0.0.1', port, alarmAfterSeconds: 5 }
  const foreign = { ...tls, caFile: put('foreign.pem', FOREIGN_AUTHORITY.certificatePem) }
  return [
    { ...syslog, name: 'siem', confirmEverySeconds: 1, tls },
    { ...syslog, name: 'foreign', confirmEverySeconds: 1, tls: foreign },
    { kind: 'file', name: 'archive', file: join(folder, 'audit.log'), layout: 'hds' },
  ]
}

const someoneTalks = async (world: RunningWorld): Promise<void> => {
  const alice = await world.client('alice')
  await alice.keys.takeUnbound()
}

const sequencesOf = (messages: readonly string[]): readonly number[] =>
  messages.map((message) => Number(parseSyslog(message).data['sequence']))

/** Each entry, the first time it came; none came before the one ahead of it. */
const assertInOrder = (sequences: readonly number[], last: number): void => {
  const first = sequences.filter((sequence, index) => sequences.indexOf(sequence) === index)
  assert.deepEqual(
    first,
    Array.from({ length: last }, (_, index) => index + 1),
  )
}

const programs = findRsyslog()
const skip = programs === undefined ? 'no rsyslog with gtls here, and no apt to fetch one' : false

test('rsyslog gets every entry in order over mutual TLS while it is stopped and started', {
  skip,
}, async () => {
  if (programs === undefined) return
  const rsyslog: Rsyslog = await createRsyslog({
    programs,
    folder: join(folder, 'rsyslog'),
    own: aServer(['logs.acme.example']),
    authorityPem: AUTHORITY.certificatePem,
    peer: 'kms.acme.example',
  })
  const world = await startRunningWorld({
    realm: () => ({ audit: { ship: shipTo(rsyslog.port) } }),
  })
  try {
    await someEntries(world, 10)
    await rsyslog.start()
    await someoneTalks(world)
    for (let round = 0; round < 3; round += 1) {
      await someEntries(world, 40)
      await rsyslog.stop()
      await someEntries(world, 20)
      await rsyslog.start()
    }
    await world.realm.stop()
    await world.realm.start()
    await until(() => hasCaughtUp(world, 'siem'))
    const { delivered } = await statusOf(world, 'siem')
    const messages = rsyslog.messages()
    const sequences = sequencesOf(messages)
    assert.ok(delivered > 190)
    assertInOrder(sequences, delivered)
    const bodies = new Map(
      messages.map((message, index) => [sequences[index], parseSyslog(message).message]),
    )
    const entries = (await world.entries()).slice(0, delivered)
    assert.deepEqual(
      entries,
      entries.map((_, index) => JSON.parse(bodies.get(index + 1) ?? '')),
    )

    await until(async () => (await statusOf(world, 'foreign')).isAlarm)
    const foreign = await statusOf(world, 'foreign')
    assert.equal(foreign.delivered, 0)
    assert.equal(foreign.lastError, 'links.ship-untrusted')
    const { code } = await world.keyrealm('audit', 'ship-status')
    assert.equal(code, 1)
    await until(async () => {
      const ready = await world.page(world.acme.healthPort, '/readyz')
      assert.equal(ready.status, 200)
      return JSON.parse(ready.body).parts.shipping === 'alarm'
    })
    const metrics = await world.page(world.acme.healthPort, '/metrics')
    assert.match(metrics.body, /^realm_audit_ship_alarm_count\{destination="foreign"\} 1$/m)
    assert.match(metrics.body, /^realm_audit_ship_alarm_count\{destination="siem"\} 0$/m)

    await until(() => hasCaughtUp(world, 'archive'))
    const lines = readFileSync(join(folder, 'audit.log'), 'utf8').split('\n').slice(0, -1)
    const asked = lines.map(parseHds).filter((found) => found?.['tag'] === 'REQUEST')
    const seen = asked.map((found) => `${found?.['method']} ${found?.['type']}`)
    assert.ok(seen.includes('create EPHEMERAL_KEY_COLLECTION'), `${seen}`)
    assert.ok(seen.includes('create KEY_COLLECTION'), `${seen}`)
  } finally {
    await world.close()
    await rsyslog.stop()
  }
})
