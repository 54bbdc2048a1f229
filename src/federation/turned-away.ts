// What the log says of peers, and of those who come as such, that are turned away: the first of a kind at once, and those that follow
// as one entry a minute with their number. However hard somebody knocks, a minute has a bounded number of entries.

import type { Act } from '../audit/index.ts'
import type { Refusal } from '../refusal.ts'
import { after, type Instant, seconds } from '../time.ts'
import type { PeerDomain } from './domain.ts'
import type { PeerConnectionFacts } from './ports.ts'

/** How far somebody came, as far as is known. */
export interface PeerMeeting {
  readonly begunBy: 'us' | 'peer'
  readonly carrier: PeerConnectionFacts['carrier']
  /** What a certificate proved. */
  readonly proven?: PeerDomain
  /** Whom we meant to reach; or who the core says that they are. */
  readonly claimed?: string
  /** Where they came from without the core: an IPv4 address or an IPv6 network. */
  readonly address?: string
  readonly tlsGroup?: string
  /** Of the certificate that was shown, whatever it was worth; hex. */
  readonly certificateSha256?: string
}

export interface TurnedAwayParts {
  record(act: Act): Promise<void>
  readonly now: () => Instant
}

export interface TurnedAway {
  /** Resolves when what is written about it now, if anything, is. */
  note(refusal: Refusal, meeting: PeerMeeting, more?: Pick<Act, 'trackingId'>): Promise<void>
  /** Writes what was counted in windows that are over: call it now and then. */
  flush(): Promise<void>
  /** Writes all that was counted. */
  end(): Promise<void>
}

const WINDOW = seconds(60)
/** Names told apart at a time; of more, only the codes are. */
const KINDS_MAX = 64

interface Kind {
  readonly refusal: Refusal
  readonly meeting: PeerMeeting
  until: Instant
  /** Not written yet. */
  waiting: number
}

/** Not by certificate: whoever makes them would make as many as there is room for. */
const nameOf = ({ refused }: Refusal, meeting: PeerMeeting): string => {
  const { begunBy, carrier, proven, claimed, address } = meeting
  return [refused, begunBy, carrier, proven, claimed, address].join(' ')
}

const actOf = ({ refusal, meeting }: Kind, times: number, more: Pick<Act, 'trackingId'>): Act => {
  const { proven, ...facts } = meeting
  return {
    action: 'peer.refused',
    outcome: 'refused',
    actor: proven === undefined ? { kind: 'unknown' } : { kind: 'peer', id: proven },
    type: 'MESSAGE',
    code: refusal.refused,
    ...more,
    details: { ...facts, times },
  }
}

export const createTurnedAway = ({ record, now }: TurnedAwayParts): TurnedAway => {
  const kinds = new Map<string, Kind>()
  /** A clock that was set back must not stretch a window. */
  const isOver = ({ until }: Kind, at: Instant): boolean => at >= until || until - at > WINDOW
  const kindOf = (refusal: Refusal, meeting: PeerMeeting, at: Instant): Kind => {
    const name = nameOf(refusal, meeting)
    const known = kinds.get(name)
    if (known !== undefined) return known
    const { begunBy, carrier } = meeting
    const isFull = kinds.size >= KINDS_MAX
    const crowd = { begunBy, carrier }
    if (isFull && name !== nameOf(refusal, crowd)) return kindOf(refusal, crowd, at)
    const kind = { refusal, meeting, until: at, waiting: 0 }
    kinds.set(name, kind)
    return kind
  }
  const write = (kind: Kind, at: Instant, more: Pick<Act, 'trackingId'> = {}): Promise<void> => {
    const times = kind.waiting
    kind.waiting = 0
    kind.until = after(at, WINDOW)
    return record(actOf(kind, times, more))
  }
  return {
    async note(refusal, meeting, more) {
      const at = now()
      const kind = kindOf(refusal, meeting, at)
      kind.waiting += 1
      if (isOver(kind, at)) await write(kind, at, more)
    },
    async flush() {
      const at = now()
      for (const [name, kind] of kinds) {
        if (!isOver(kind, at)) continue
        if (kind.waiting === 0) kinds.delete(name)
        else await write(kind, at)
      }
    },
    async end() {
      const at = now()
      for (const kind of kinds.values()) if (kind.waiting > 0) await write(kind, at)
    },
  }
}
