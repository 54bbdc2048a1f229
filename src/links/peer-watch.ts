// What happens between us and peers, told to whoever keeps the log and the metrics. It is told, and changes nothing.

import type { PeerMeeting, ProvenPeer } from '../federation/index.ts'
import type { Refusal } from '../refusal.ts'

/** A connection both of whose ends have proved their names. */
export interface PeerEncounter extends ProvenPeer {
  readonly begunBy: PeerMeeting['begunBy']
}

export interface PeerWatch {
  /** Nobody was let in, or somebody was put out. */
  refused(refusal: Refusal, meeting: PeerMeeting): void
  /** `seconds`: from the first byte of the handshake to the proof of both ends. */
  opened(encounter: PeerEncounter, seconds: number): void
  closed(encounter: PeerEncounter): void
  /** A question of ours came back answered. */
  answered(encounter: PeerEncounter, seconds: number): void
}

/** How somebody who has proved their name is told of. */
export const meetingOf = ({ domain, connection, begunBy }: PeerEncounter): PeerMeeting => ({
  begunBy,
  proven: domain,
  ...connection,
})
