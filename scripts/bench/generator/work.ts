// What a device can be made to do under load, one row for each kind: how a message is sealed before the window, and
// how its answer is opened and judged after it. An answer that is not what was asked for ends the run.
import { open, openSigned, seal } from './channel.ts'
import { type Device, handshakeOf, type KnownKey, newRequestId, requestOf } from './device.ts'
import type { Work } from './orders.ts'

/** A message ready to go, and what its answer must be. */
export interface Sealed {
  readonly compact: string
  readonly requestId: string
  readonly key?: KnownKey
}

interface Kind {
  seal(device: Device, turn: number): Sealed
  /** Throws if it is not authentic. */
  open(device: Device, compact: string): string
  readonly status: number
}

interface Answer {
  readonly requestId: string
  readonly status: number
  readonly key?: { readonly jwk?: { readonly k?: string } }
}

const retrieve: Kind = {
  status: 200,
  seal(device, turn) {
    const requestId = newRequestId()
    const key = device.keys[turn % device.keys.length]
    if (key === undefined) throw new Error('The device has no keys to ask for.')
    const fields = { method: 'retrieve', uri: key.uri, requestId }
    const compact = seal(JSON.stringify(requestOf(device, fields)), device.channel)
    return { compact, requestId, key }
  },
  open: (device, compact) => open(compact, device.channel),
}

const create: Kind = {
  status: 201,
  seal(device) {
    const requestId = newRequestId()
    const fields = { method: 'create', uri: '/keys', requestId, count: 1 }
    const compact = seal(JSON.stringify(requestOf(device, fields)), device.channel)
    return { compact, requestId }
  },
  open: retrieve.open,
}

const handshake: Kind = {
  status: 201,
  seal(device) {
    const requestId = newRequestId()
    return { compact: handshakeOf(device, requestId), requestId }
  },
  open: (device, compact) => openSigned(compact, device.staticKey),
}

const KINDS: Readonly<Record<Work, Kind>> = {
  retrieve,
  create,
  handshake,
  'echo-http': retrieve,
  'echo-https': retrieve,
}

export function sealOne(work: Work, device: Device, turn: number): Sealed {
  return KINDS[work].seal(device, turn)
}

/** The requestId of an answer, once the answer is found to be the right one for it. */
export function judge(
  work: Work,
  device: Device,
  { compact, asked }: { readonly compact: string; readonly asked: ReadonlyMap<string, Sealed> },
): string {
  const kind = KINDS[work]
  const answer: Answer = JSON.parse(kind.open(device, compact))
  const sealed = asked.get(answer.requestId)
  if (sealed === undefined) throw new Error(`Nobody asked ${answer.requestId}.`)
  if (answer.status !== kind.status) throw new Error(`${work}: ${JSON.stringify(answer)}`)
  // The ceiling server has no keys to give: its answers have the form and not the key.
  if (work === 'retrieve' && answer.key?.jwk?.k !== sealed.key?.k) throw new Error('Another key.')
  return answer.requestId
}
