// One node of a realm of several: records one entry after the other in groups and publishes what it may, until its
// input ends or it is killed. It says each entry once it is durable, and each checkpoint that it published.
//   node node.ts '{"url":"postgres://…","node":"node-1"}'

import { writeSync } from 'node:fs'
import { setTimeout } from 'node:timers/promises'
import { createPublisher, createRecorder, signCheckpoint } from '../../../src/audit/index.ts'
import { aesKeyFrom, systemRandom } from '../../../src/crypto/index.ts'
import {
  createLedger,
  ensureLogKeys,
  Keyring,
  LogKeys,
  unlockKeyring,
} from '../../../src/kms/index.ts'
import { openStore } from '../../../src/store/index.ts'
import { instant } from '../../../src/time.ts'
import { ACME, organization } from '../../unit/identity/world.ts'
import { HELD_FOR, MAIN_KEY, type Orders, type Said } from './orders.ts'

const GROUP = 20
const PUBLISH_EVERY_MS = 50

const { url, node }: Orders = JSON.parse(process.argv[2] ?? '{}')
const boot = systemRandom.uuid()
const now = () => instant(Date.now())
const say = (said: Said): void => void writeSync(1, `${JSON.stringify(said)}\n`)

const store = await openStore({ kind: 'postgres', url, poolSize: 3 })
const recorder = createRecorder('acme', node, boot)
const ledger = createLedger(store, recorder, now)
const keyring = new Keyring(systemRandom)
const organizationId = organization(ACME)
const mainKey = { id: '00000000-0000-4000-8000-000000000001', organizationId, createdAt: now() }
await unlockKeyring(keyring, [{ mainKey, key: aesKeyFrom(MAIN_KEY) }], ledger, systemRandom)
const logKeys = new LogKeys(keyring)
logKeys.know(await ensureLogKeys(ledger, { keyring, random: systemRandom, organizationId }))

/** The newest note that this node knows, its own or the other's. */
let kept = ''
const publisher = createPublisher({
  recorded: recorder.unpublished,
  database: store,
  holder: boot,
  originOf: () => 'acme/log',
  useKeys: (epoch) => logKeys.follow(epoch, () => store.read((tx) => tx.logKeys.all('log'))),
  sign: (checkpoint, moment) =>
    logKeys.signing && signCheckpoint(checkpoint, logKeys.signing, Math.floor(moment / 1000)),
  keep: (note) => {
    kept = note
  },
  now,
  heldFor: HELD_FOR,
  renewedAfter: HELD_FOR,
})

let isStopping = false
process.stdin.once('end', () => {
  isStopping = true
})
process.stdin.resume()

const record = async (): Promise<void> => {
  for (let first = 0; !isStopping; first += GROUP) {
    const names = Array.from({ length: GROUP }, (_, index) => `${boot}/${first + index}`)
    const acts = names.map((requestId) => ({
      ...({ action: 'test.happened', type: 'PROCESS', outcome: 'done' } as const),
      ...{ actor: { kind: 'system' } as const, requestId },
    }))
    await ledger.commit(async () => ({ result: undefined, acts }))
    say({ recorded: names })
  }
}
const publish = async (): Promise<void> => {
  while (!isStopping) {
    if ((await publisher.step()).did === 'published') say({ published: kept })
    await setTimeout(PUBLISH_EVERY_MS)
  }
}

say({ ready: boot })
await Promise.all([record(), publish()])
await store.close()
