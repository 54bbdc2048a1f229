// The posts that wait for one realm, in order of arrival, and the line to it while there is one. Bounded in
// number, in size, and per sender, so that one user cannot fill it for the others.

import { type Instant, isPast } from '../../time.ts'
import type { Device } from '../devices/devices.ts'
import { type Problem, problem } from '../http/problem.ts'

/** The way to a realm while its line is up. */
export interface Line {
  send(text: string): void
}

/** A post that has no answer yet. Its messages are only in `text`. */
export interface Held {
  readonly id: string
  readonly sender: string
  readonly senderDevices: ReadonlyMap<string, Device>
  readonly trackingId: string
  readonly count: number
  /** The frame, ready to be sent again. */
  readonly text: string
  readonly until: Instant
}

export interface DeskLimits {
  readonly heldPosts: number
  readonly heldBytes: number
  readonly heldPerSender: number
}

export interface Desk<Post extends Held> {
  readonly line: Line | undefined
  /** Keeps the post and sends it if there is a line, or says why it does not. */
  put(post: Post): Problem | undefined
  /** The post, which stays; undefined if it has left before. */
  find(id: string): Post | undefined
  /** The post, which leaves the desk; undefined if it has left before. */
  take(id: string): Post | undefined
  /** A line came up: it gets everything that waits. Answers how many. */
  lineUp(line: Line): number
  lineDown(line: Line): void
  /** Posts that are too old; they leave the desk. */
  takeExpired(now: Instant): readonly Post[]
}

export const openDesk = <Post extends Held>(limits: DeskLimits): Desk<Post> => {
  const held = new Map<string, Post>()
  const perSender = new Map<string, number>()
  let line: Line | undefined
  let chars = 0

  const whyFull = ({ sender, text }: Post): Problem | undefined => {
    const isFull = held.size >= limits.heldPosts || chars + text.length > limits.heldBytes
    if (isFull) return problem('core.overloaded')
    const ofSender = perSender.get(sender) ?? 0
    return ofSender >= limits.heldPerSender ? problem('core.too-many-held') : undefined
  }
  const countFor = (sender: string, change: 1 | -1): void => {
    const count = (perSender.get(sender) ?? 0) + change
    if (count === 0) perSender.delete(sender)
    else perSender.set(sender, count)
  }
  const take = (id: string): Post | undefined => {
    const post = held.get(id)
    if (post === undefined) return undefined
    held.delete(id)
    chars -= post.text.length
    countFor(post.sender, -1)
    return post
  }

  return {
    get line() {
      return line
    },
    put(post) {
      const full = whyFull(post)
      if (full !== undefined) return full
      held.set(post.id, post)
      chars += post.text.length
      countFor(post.sender, 1)
      line?.send(post.text)
      return undefined
    },
    find: (id) => held.get(id),
    take,
    lineUp(newLine) {
      line = newLine
      for (const { text } of held.values()) newLine.send(text)
      return held.size
    },
    lineDown(oldLine) {
      // A line that was replaced goes down later than its successor came up.
      if (line === oldLine) line = undefined
    },
    takeExpired(now) {
      const expired: Post[] = []
      for (const post of held.values()) {
        if (!isPast(post.until, now)) break
        expired.push(post)
      }
      for (const { id } of expired) take(id)
      return expired
    },
  }
}
