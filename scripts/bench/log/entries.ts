// What the log's benches record, sign with and print.

import { mkdtempSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { signCheckpoint } from '../../../src/audit/checkpoint.ts'
import { encodeEntry } from '../../../src/audit/encode.ts'
import { type Act, createPublisher, type Recorder } from '../../../src/audit/index.ts'
import { generateSigningKey, signingKeyFrom } from '../../../src/crypto/index.ts'
import type { OpenStore } from '../../../src/store/index.ts'
import { instant, seconds } from '../../../src/time.ts'

export const ORIGIN = 'kms.bench.example/log'
/** What the corridor commits together under load. */
export const GROUP = 256

export const folder = mkdtempSync(join(tmpdir(), 'keyrealm-bench-audit-'))
export const keys = (['ed25519', 'ml-dsa-44'] as const).map((algorithm) =>
  signingKeyFrom(algorithm, generateSigningKey(algorithm)),
)
export const now = () => instant(Date.now())
export const say = (line: string): void => void process.stdout.write(`${line}\n`)

/** About 600 bytes, as the release of a key is. */
export const anAct = (index: number): Act => ({
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

export const place = { realm: 'bench', node: 'node-1', boot: 'boot-1', counter: 1, time: now() }

export const entryOf = (index: number): string =>
  encodeEntry(anAct(index), { ...place, counter: index + 1 })

export const publisherOf = (store: OpenStore, recorder?: Recorder) =>
  createPublisher({
    ...(recorder === undefined ? {} : { recorded: recorder.unpublished }),
    database: store,
    holder: 'bench',
    originOf: () => ORIGIN,
    useKeys: async () => undefined,
    sign: (checkpoint, moment) => signCheckpoint(checkpoint, keys, Math.floor(moment / 1000)),
    keep: () => undefined,
    now,
    heldFor: seconds(5),
    renewedAfter: seconds(60),
  })
