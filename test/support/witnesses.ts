// Witnesses of a world's log on real ports: an honest one, on the world's own store, and liars of every kind.

import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import { text } from 'node:stream/consumers'
import { promisify } from 'node:util'
import {
  LogWitness,
  type VerifierKey,
  type Witness,
  Witnesses,
  witnessKeyOf,
} from '../../src/audit/index.ts'
import { generateSigningKey, type SigningKey, signingKeyFrom } from '../../src/crypto/index.ts'
import { witnessAt } from '../../src/links/index.ts'
import { createLogApp } from '../../src/listeners/index.ts'
import { type Duration, milliseconds, seconds } from '../../src/time.ts'
import { appOptions, serve } from '../unit/listeners/world.ts'
import type { World } from './world.ts'

export interface WitnessKeys {
  readonly name: string
  readonly keys: readonly SigningKey[]
  /** Ed25519, then ML-DSA-44. */
  readonly verifiers: readonly [VerifierKey, VerifierKey]
}

export const someWitnessKeys = (name: string): WitnessKeys => {
  const make = (algorithm: SigningKey['algorithm']) =>
    signingKeyFrom(algorithm, generateSigningKey(algorithm))
  const [classical, quantum] = [make('ed25519'), make('ml-dsa-44')]
  return {
    name,
    keys: [classical, quantum],
    verifiers: [witnessKeyOf(name, classical), witnessKeyOf(name, quantum)],
  }
}

export interface RunningWitness {
  readonly url: string
  readonly witness: LogWitness
  stop(): Promise<void>
}

/** The realm of this world as a witness of logs, behind the listener that realms have. */
export const startWitness = async (
  world: World,
  signer: WitnessKeys,
  logs: readonly VerifierKey[],
): Promise<RunningWitness> => {
  const witness = new LogWitness({
    logs,
    ledger: world.ledger,
    signer: () => (world.realm.keyring.isUnlocked ? signer : undefined),
    disputesEvery: seconds(60),
  })
  const listener = await serve(
    createLogApp({
      ...appOptions({ bodyMaxBytes: 64 * 1024 }).options,
      entries: async () => [],
      checkpoint: async () => undefined,
      witnessed: async () => undefined,
      rotation: async () => undefined,
      tile: async () => undefined,
      addCheckpoint: (raw) => witness.addCheckpoint(raw),
    }),
  )
  return { url: `${listener.url()}/witness`, witness, stop: () => listener.stop() }
}

/** A server that answers as it likes. */
export const startLiar = async (
  answer: (body: string, outgoing: ServerResponse) => void,
): Promise<{ readonly url: string; readonly asked: readonly string[]; stop(): Promise<void> }> => {
  const asked: string[] = []
  const onRequest = async (incoming: IncomingMessage, outgoing: ServerResponse): Promise<void> => {
    const body = await text(incoming)
    asked.push(`${incoming.method} ${incoming.url}`)
    answer(body, outgoing)
  }
  const server = createServer((incoming, outgoing) => void onRequest(incoming, outgoing))
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const address = server.address()
  const port = typeof address === 'object' ? address?.port : undefined
  return {
    url: `http://127.0.0.1:${port}`,
    asked,
    stop: () => {
      const closed = promisify(server.close.bind(server))()
      server.closeAllConnections()
      return closed
    },
  }
}

export const witnessOn = (
  url: string,
  key: VerifierKey,
  timeout: Duration = milliseconds(1000),
): Witness => ({ key, ask: witnessAt({ url, timeout }) })

/** The world's log as the client of these witnesses. */
export const askedBy = (world: World, witnesses: readonly Witness[], quorum = 1): Witnesses =>
  new Witnesses({
    witnesses,
    quorum,
    database: world.store,
    ledger: world.ledger,
    now: () => world.now(),
    pause: seconds(5),
    pauseMax: seconds(300),
    renewedAfter: seconds(60),
  })
