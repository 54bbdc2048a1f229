// What waits for one device: numbered frames out, kept until acknowledged, sent again on the next socket.
// Bounded in number, size and age; the oldest go first. A socket that reads slowly gets no more than a window.

import { type Instant, isPast } from '../../time.ts'

/** One open socket of a device. */
export interface Outlet {
  /** `onTaken` runs once the network has taken the text, or never will. */
  send(text: string, onTaken: () => void): void
  /** Bytes that the network has not taken yet. */
  backlogBytes(): number
  close(code: number, reason: string): void
}

export interface BoxedEvent {
  readonly id: string
  /** The frame up to its sequence number, which is given when it is sent. */
  readonly head: string
  readonly until: Instant
}

export interface BoxRules {
  readonly events: number
  readonly bytes: number
  readonly totalBytes: number
  /** How far sending may run ahead of the network. */
  readonly windowBytes: number
  readonly onDropped: (reason: 'age' | 'space') => void
}

/** What all boxes hold together. */
export interface Total {
  bytes: number
}

export interface Box {
  /** Keeps the event and sends it if there is a socket. */
  put(event: BoxedEvent): void
  /** The socket from now on: `greeting` first, then all that was not acknowledged. Answers the old one. */
  attach(outlet: Outlet, greeting: BoxedEvent): Outlet | undefined
  detach(outlet: Outlet): void
  /** True if the event was there. */
  acknowledge(eventId: string): boolean
  /** Everything goes. Answers the socket, if there is one. */
  clear(): Outlet | undefined
  trim(now: Instant): void
  isIdle(): boolean
}

interface Kept {
  readonly event: BoxedEvent
  wasSent: boolean
}

export const openBox = (rules: BoxRules, total: Total): Box => {
  const kept = new Map<string, Kept>()
  /** In order, not sent on this socket yet; empty while there is none. */
  let due: Kept[] = []
  let outlet: Outlet | undefined
  let bytes = 0
  // Counts frames, not events: within one socket the numbers that a client sees have no gap.
  let sequence = 0

  const resize = (change: number): void => {
    bytes += change
    total.bytes += change
  }
  const remove = ({ id, head }: BoxedEvent): void => {
    if (kept.delete(id)) resize(-head.length)
  }
  const send = (to: Outlet, { head }: BoxedEvent): void => {
    sequence += 1
    to.send(`${head}${sequence}}`, pump)
  }
  /** Sends what is due, as far as the window goes; runs again when the network has taken some. */
  const pump = (): void => {
    while (outlet !== undefined && outlet.backlogBytes() < rules.windowBytes) {
      const entry = due.shift()
      if (entry === undefined) return
      // Acknowledged or dropped while it was due.
      if (!kept.has(entry.event.id)) continue
      entry.wasSent = true
      send(outlet, entry.event)
    }
  }
  const isOver = (): boolean =>
    kept.size > rules.events || bytes > rules.bytes || total.bytes > rules.totalBytes

  return {
    put(event) {
      const entry = { event, wasSent: false }
      kept.set(event.id, entry)
      resize(event.head.length)
      if (outlet !== undefined) due.push(entry)
      pump()
    },
    attach(newOutlet, greeting) {
      const old = outlet
      outlet = newOutlet
      due = [...kept.values()]
      send(newOutlet, greeting)
      pump()
      return old
    },
    detach(oldOutlet) {
      if (outlet !== oldOutlet) return
      outlet = undefined
      due = []
    },
    acknowledge(eventId) {
      const entry = kept.get(eventId)
      if (entry === undefined) return false
      remove(entry.event)
      return true
    },
    clear() {
      for (const { event } of kept.values()) remove(event)
      const last = outlet
      outlet = undefined
      due = []
      return last
    },
    trim(now) {
      for (const { event, wasSent } of kept.values()) {
        const reason = isPast(event.until, now) ? 'age' : isOver() ? 'space' : undefined
        if (reason === undefined) return
        remove(event)
        if (!wasSent) rules.onDropped(reason)
      }
    },
    isIdle: () => outlet === undefined && kept.size === 0,
  }
}
