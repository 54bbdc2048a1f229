// Carries sealed messages, unread: a post is held until the realm has answered it, sent again when the
// line was lost in between, and answered once. Answers go to devices of the post's own sender only.

import { type AnswersFrame, encodeCoreFrame } from '../../boundary/index.ts'
import { after, type Duration } from '../../time.ts'
import type { Device, OwnDevices } from '../devices/devices.ts'
import type { Problem } from '../http/problem.ts'
import type { Surroundings } from '../ports.ts'
import { type Desk, type DeskLimits, type Held, type Line, openDesk } from './desk.ts'

/** A post of a signed-in user, checked and ready to go. */
export interface Letter {
  readonly domain: string
  readonly sender: string
  readonly senderDevices: OwnDevices
  readonly httpDevice?: string
  readonly trackingId: string
  readonly kmsMessages: readonly string[]
}

/** One sealed answer on its way to the device that asked. */
export interface Delivery {
  readonly device: Device
  readonly kmsMessage: string
  readonly trackingId: string
}

export interface Relay {
  /** Takes the letter; its answers come over Mercury. */
  post(letter: Letter): Problem | undefined
  lineUp(domain: string, line: Line): void
  lineDown(domain: string, line: Line): void
  answered(domain: string, frame: AnswersFrame): void
  /** Gives up on posts that are too old. */
  sweep(): void
}

export interface RelayRules extends DeskLimits {
  readonly heldFor: Duration
  readonly deliver: (delivery: Delivery) => void
}

interface HeldPost extends Held {
  /** Positions that have had their answer: the first one wins. */
  readonly answered: Set<number>
}

export const openRelay = (rules: RelayRules, surroundings: Surroundings): Relay => {
  const { now, newId, meter } = surroundings
  const desks = new Map<string, Desk<HeldPost>>()
  const deskOf = (domain: string): Desk<HeldPost> => {
    const known = desks.get(domain)
    if (known !== undefined) return known
    const desk = openDesk<HeldPost>(rules)
    desks.set(domain, desk)
    return desk
  }
  const hold = (letter: Letter): Problem | undefined => {
    const { sender, senderDevices, trackingId, kmsMessages } = letter
    const id = newId()
    const text = encodeCoreFrame(toFrame(letter, id))
    const until = after(now(), rules.heldFor)
    const count = kmsMessages.length
    const own = { id, sender, senderDevices, trackingId, count }
    const full = deskOf(letter.domain).put({ ...own, text, until, answered: new Set<number>() })
    if (full === undefined) meter.post('held')
    return full
  }
  const deliverAll = (post: HeldPost, { answers }: AnswersFrame): void => {
    for (const { n, deliverTo, kmsMessage } of answers) {
      // A bare outcome belongs to an operation, and there is none of this name.
      if (kmsMessage === undefined || post.answered.has(n)) continue
      post.answered.add(n)
      const device = post.senderDevices.get(deliverTo)
      const outcome = outcomeOf(n < post.count, device)
      meter.answer(outcome)
      if (outcome === 'delivered' && device !== undefined) {
        rules.deliver({ device, kmsMessage, trackingId: post.trackingId })
      }
    }
  }

  return {
    post: (letter) => hold(letter),
    lineUp(domain, line) {
      const resent = deskOf(domain).lineUp(line)
      for (let count = 0; count < resent; count += 1) meter.post('resent')
    },
    lineDown: (domain, line) => deskOf(domain).lineDown(line),
    answered(domain, frame) {
      const desk = deskOf(domain)
      const post = frame.more === true ? desk.find(frame.id) : desk.take(frame.id)
      // Unknown: answered before, given up, or never asked. The first answer has won.
      if (post === undefined) return
      if (frame.more !== true) meter.post(frame.declined === undefined ? 'answered' : 'declined')
      deliverAll(post, frame)
    },
    sweep() {
      for (const desk of desks.values()) {
        for (const _post of desk.takeExpired(now())) meter.post('expired')
      }
    },
  }
}

const outcomeOf = (wasAsked: boolean, device: Device | undefined) => {
  if (!wasAsked) return 'not-asked'
  return device === undefined ? 'foreign-device' : 'delivered'
}

const toFrame = (letter: Letter, id: string) => {
  const { sender: httpUser, httpDevice, trackingId, kmsMessages } = letter
  const frame = { type: 'messages', id, sync: false, httpUser, trackingId, kmsMessages } as const
  return httpDevice === undefined ? frame : { ...frame, httpDevice }
}
