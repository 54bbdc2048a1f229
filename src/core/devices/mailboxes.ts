// A box per device, and what happens at its door: events come in, one socket at a time takes them out. A box
// lives while something waits in it or somebody listens.

import { after, type Duration } from '../../time.ts'
import type { Surroundings } from '../ports.ts'
import { type Box, type BoxedEvent, type BoxRules, type Outlet, openBox } from './box.ts'

export interface NewEvent {
  /** The `data` member as JSON text. */
  readonly data: string
  readonly trackingId: string
}

export interface Mailboxes {
  push(deviceId: string, event: NewEvent): void
  /** The device's socket from now on: the state frame first, then what was not acknowledged. */
  attach(deviceId: string, outlet: Outlet): void
  detach(deviceId: string, outlet: Outlet): void
  /** True if the event was there. */
  acknowledge(deviceId: string, eventId: string): boolean
  /** The device is no more: its events go, its socket is closed. */
  discard(deviceId: string): void
  sweep(): void
}

export interface MailboxRules extends Omit<BoxRules, 'onDropped'> {
  readonly keptFor: Duration
}

/** Observed of real clients: after either code they do not come back by themselves. */
const CLOSED = { replaced: 4000, unregistered: 1000 } as const

/** Observed of real clients: they wait for exactly this before they use the socket. */
const BUFFER_STATE = '{"eventType":"mercury.buffer_state"}'

export const openMailboxes = (rules: MailboxRules, surroundings: Surroundings): Mailboxes => {
  const { now, newId, meter } = surroundings
  const boxes = new Map<string, Box>()
  const total = { bytes: 0 }
  const boxRules = { ...rules, onDropped: meter.eventDropped }
  const boxOf = (deviceId: string): Box => {
    const known = boxes.get(deviceId)
    if (known !== undefined) return known
    const box = openBox(boxRules, total)
    boxes.set(deviceId, box)
    return box
  }
  const toEvent = ({ data, trackingId }: NewEvent): BoxedEvent => {
    const id = newId()
    const head = `{"id":"${id}","data":${data},"timestamp":${now()},"trackingId":${JSON.stringify(trackingId)},"sequenceNumber":`
    return { id, head, until: after(now(), rules.keptFor) }
  }

  return {
    push(deviceId, event) {
      const box = boxOf(deviceId)
      box.put(toEvent(event))
      box.trim(now())
    },
    attach(deviceId, outlet) {
      const box = boxOf(deviceId)
      box.trim(now())
      const replaced = box.attach(outlet, toEvent({ data: BUFFER_STATE, trackingId: newId() }))
      replaced?.close(CLOSED.replaced, 'replaced')
    },
    detach: (deviceId, outlet) => boxes.get(deviceId)?.detach(outlet),
    acknowledge: (deviceId, eventId) => boxes.get(deviceId)?.acknowledge(eventId) ?? false,
    discard(deviceId) {
      boxes.get(deviceId)?.clear()?.close(CLOSED.unregistered, 'unregistered')
      boxes.delete(deviceId)
    },
    sweep() {
      for (const [deviceId, box] of boxes) {
        box.trim(now())
        if (box.isIdle()) boxes.delete(deviceId)
      }
    },
  }
}
