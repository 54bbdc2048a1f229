// One socket of one device: first a good token, in time; then events out, pings and acknowledgements in.
// Before the token is judged nothing is sent and nothing else is listened to.

import type { Duplex } from 'node:stream'
import type { RawData, WebSocket } from 'ws'
import type { Caller } from '../http/caller.ts'
import { isProblem, type Problem, statusOf } from '../http/problem.ts'
import type { Tokens } from '../http/tokens.ts'
import type { Surroundings } from '../ports.ts'
import type { Outlet } from './box.ts'
import type { Device, Devices } from './devices.ts'
import type { Mailboxes } from './mailboxes.ts'
import { type MercuryFrame, parseMercuryFrame } from './mercury-frame.ts'

/** Observed of real clients: which codes make them refresh a token, register again, return or give up. */
export const CLOSED = {
  goingAway: 1001,
  noText: 1003,
  policy: 1008,
  fault: 1011,
  badRequest: 4400,
  badToken: 4401,
  forbidden: 4403,
} as const

export interface VisitContext {
  readonly devices: Devices
  readonly mailboxes: Mailboxes
  readonly tokens: Tokens
  readonly surroundings: Surroundings
  readonly authorizeWithinMs: number
  readonly framesPerSecond: number
}

/** Whose socket it is, once that is known. */
export interface Member {
  readonly device: Device
  readonly caller: Caller
  readonly authorization: string
}

export interface Arrival {
  readonly socket: WebSocket
  /** The connection under the socket. */
  readonly stream: Duplex
  readonly deviceId: string
}

export interface Visit {
  /** Undefined until the device's own user has named a good token. */
  member(): Member | undefined
  /** The socket is closed. */
  end(): void
}

export const openVisit = ({ socket, stream, deviceId }: Arrival, context: VisitContext): Visit => {
  const { mailboxes, surroundings } = context
  const outlet = toOutlet(socket, stream)
  const isFlood = floodgate(context)
  let isJudging = false
  let member: Member | undefined
  const tooLate = setTimeout(
    () => socket.close(CLOSED.policy, 'no authorization in time'),
    context.authorizeWithinMs,
  )
  tooLate.unref()

  const authorize = async (authorization: string): Promise<void> => {
    isJudging = true
    const judged = await judge(authorization, deviceId, context)
    isJudging = false
    if (socket.readyState !== socket.OPEN) return
    if (typeof judged !== 'object') return closeFor(socket, judged)
    clearTimeout(tooLate)
    const isNew = member === undefined
    member = judged
    if (isNew) mailboxes.attach(deviceId, outlet)
  }
  const onFrame = async (frame: MercuryFrame): Promise<void> => {
    if (frame.type === 'authorization' && !isJudging) return await authorize(frame.authorization)
    if (member === undefined) return closeFor(socket, 'bad-request')
    if (frame.type === 'ping') {
      socket.send(`{"id":${JSON.stringify(frame.id)},"type":"pong"}`)
    }
  }
  const isAcknowledged = (frame: MercuryFrame): boolean =>
    member !== undefined && frame.type === 'ack' && mailboxes.acknowledge(deviceId, frame.messageId)
  const onMessage = (data: RawData, isBinary: boolean): void => {
    if (isBinary) return socket.close(CLOSED.noText, 'text only')
    const frame = parseMercuryFrame(data.toString())
    if (frame === undefined) return closeFor(socket, 'bad-request')
    // An acknowledgement of something sent is as welcome as what was sent; anything else is counted.
    if (isAcknowledged(frame)) return
    if (isFlood()) return socket.close(CLOSED.policy, 'too many frames')
    onFrame(frame).catch((error: unknown) => {
      surroundings.log.error('mercury.fault', {}, error)
      socket.close(CLOSED.fault, 'fault')
    })
  }

  socket.on('message', onMessage)
  socket.on('error', () => surroundings.log.debug('mercury.broken'))
  return {
    member: () => member,
    end() {
      clearTimeout(tooLate)
      mailboxes.detach(deviceId, outlet)
    },
  }
}

type No = 'bad-token' | 'forbidden' | 'unavailable' | 'unknown-device' | 'bad-request'

const judge = async (
  authorization: string,
  deviceId: string,
  { tokens, devices }: VisitContext,
): Promise<Member | No> => {
  const caller = await tokens.callerOf(authorization)
  if (isProblem(caller)) return toNo(caller)
  const device = await devices.find(deviceId)
  if (device === undefined) return 'unknown-device'
  return device.userId === caller.userId ? { device, caller, authorization } : 'forbidden'
}

const toNo = (refused: Problem): No => {
  const status = statusOf(refused)
  if (status === 401) return 'bad-token'
  return status === 403 ? 'forbidden' : 'unavailable'
}

const closeFor = (socket: WebSocket, no: No): void => {
  switch (no) {
    case 'bad-token':
      return socket.close(CLOSED.badToken, 'bad token')
    case 'forbidden':
      return socket.close(CLOSED.forbidden, 'forbidden')
    case 'bad-request':
      return socket.close(CLOSED.badRequest, 'bad request')
    case 'unavailable':
      return socket.close(CLOSED.fault, 'try again')
    case 'unknown-device':
      // Without a code: real clients take that as a stale URL and register their device again.
      return socket.close()
  }
}

const toOutlet = (socket: WebSocket, stream: Duplex): Outlet => {
  let isCorked = false
  const uncork = (): void => {
    isCorked = false
    stream.uncork()
  }
  return {
    send(text, onTaken) {
      // Events that come together, as the answers of one post do, leave in one write.
      if (!isCorked) {
        isCorked = true
        stream.cork()
        process.nextTick(uncork)
      }
      socket.send(text, onTaken)
    },
    backlogBytes: () => socket.bufferedAmount,
    close: (code, reason) => socket.close(code, reason),
  }
}

/** True once more frames came within a second than a client has reason to send. */
const floodgate = ({ framesPerSecond, surroundings }: VisitContext): (() => boolean) => {
  let second = 0
  let frames = 0
  return () => {
    const current = Math.trunc(surroundings.now() / 1000)
    if (current !== second) frames = 0
    second = current
    frames += 1
    return frames > framesPerSecond
  }
}
