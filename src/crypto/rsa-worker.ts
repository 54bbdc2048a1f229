// The thread that runs RSA private-key operations: RSA-OAEP (SHA-1, as every client sends) and PS256.
// It lowers its own priority, so that handshakes yield to messages of existing sessions.

import { constants, type KeyObject, privateDecrypt, sign } from 'node:crypto'
import { platform, setPriority } from 'node:os'
import { parentPort } from 'node:worker_threads'

/** One operation; `key` comes with the first task that uses it on this thread. */
export interface RsaTask {
  readonly id: number
  readonly operation: 'decrypt-oaep' | 'sign-ps256'
  readonly keyId: number
  readonly key?: KeyObject
  readonly input: Uint8Array
}

/** `output` is absent if the operation failed; why is nobody's business (RFC 7516 §11.5). */
export interface RsaOutcome {
  readonly id: number
  readonly output?: Uint8Array<ArrayBuffer>
}

const PS256_SALT_BYTES = 32
const LOWER_PRIORITY = 10

// On Linux 0 means this thread; elsewhere it would slow down the whole process.
if (platform() === 'linux') {
  try {
    setPriority(0, LOWER_PRIORITY)
  } catch {
    // A sandbox may forbid it: then handshakes compete as equals.
  }
}

const keys = new Map<number, KeyObject>()

const perform = (task: RsaTask, key: KeyObject): Buffer =>
  task.operation === 'decrypt-oaep'
    ? privateDecrypt(
        { key, padding: constants.RSA_PKCS1_OAEP_PADDING, oaepHash: 'sha1' },
        task.input,
      )
    : sign('sha256', task.input, {
        key,
        padding: constants.RSA_PKCS1_PSS_PADDING,
        saltLength: PS256_SALT_BYTES,
      })

const answer = (task: RsaTask): RsaOutcome => {
  if (task.key !== undefined) keys.set(task.keyId, task.key)
  const key = keys.get(task.keyId)
  if (key === undefined) return { id: task.id }
  try {
    const output = perform(task, key)
    // A Buffer may lie in a pool with other secrets: what crosses threads is a copy of its own.
    const tight = new Uint8Array(output)
    output.fill(0)
    return { id: task.id, output: tight }
  } catch {
    return { id: task.id }
  }
}

parentPort?.on('message', (task: RsaTask) => {
  const outcome = answer(task)
  parentPort?.postMessage(outcome, outcome.output === undefined ? [] : [outcome.output.buffer])
})
