// A client's Mercury socket as real clients use it: authorization first, acknowledgements, pings. What it
// acknowledges is up to the test.

import { WebSocket } from 'ws'
import { createInbox, type Inbox } from './inbox.ts'

export interface MercuryEvent {
  readonly id: string
  readonly type?: string
  readonly data: { readonly eventType: string; readonly [member: string]: unknown }
  readonly sequenceNumber: number
}

export interface FakeDevice {
  readonly events: Inbox<MercuryEvent>
  readonly closed: Promise<number>
  say(frame: object): void
  sayText(text: string): void
  acknowledge(event: MercuryEvent): void
  close(): void
  cut(): void
  /** Stops reading from the network. */
  pause(): void
}

/** Opens the socket and says nothing. */
export const openMercurySocket = async (url: string, ca: string): Promise<FakeDevice> => {
  const socket = new WebSocket(url, { ca })
  const events = createInbox<MercuryEvent>()
  const closed = new Promise<number>((resolve) => socket.once('close', resolve))
  socket.on('message', (data) => events.put(JSON.parse(data.toString())))
  await new Promise<void>((resolve, reject) => {
    socket.once('open', resolve)
    socket.once('error', reject)
  })
  socket.on('error', () => undefined)
  const say = (frame: object) => socket.send(JSON.stringify(frame))
  return {
    events,
    closed,
    say,
    sayText: (text) => socket.send(text),
    acknowledge: ({ id }) => say({ messageId: id, type: 'ack' }),
    close: () => socket.close(),
    cut: () => socket.terminate(),
    pause: () => socket.pause(),
  }
}

export const authorizationFrame = (token: string) => ({
  id: 'c1',
  type: 'authorization',
  data: { token: `Bearer ${token}` },
  trackingId: 'js_1',
  logLevelToken: null,
})

/** A device that is listening: its state frame is taken. */
export const listenAs = async (
  url: string,
  { ca, token }: { readonly ca: string; readonly token: string },
): Promise<FakeDevice> => {
  const device = await openMercurySocket(url, ca)
  device.say(authorizationFrame(token))
  const first = await device.events.take()
  if (first.data.eventType !== 'mercury.buffer_state' || first.type !== undefined) {
    throw new Error('the first frame must be the buffer state, without a type')
  }
  return device
}
