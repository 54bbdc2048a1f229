// The door of federation: which keys cross between organisations, on whose behalf, and who may take them.

export {
  blockPeer,
  type Pinned,
  pinUser,
  unblockPeer,
  WRITE_OFF_AFTER,
  type WrittenOff,
  writeOffDebts,
} from './administration.ts'
export { type CheckFinding, type CheckParts, checkPeer, type PeerCheck } from './check.ts'
export { type PeerDomain, parsePeerDomain } from './domain.ts'
export { createForeignHome, type HomeParts } from './home.ts'
export type { FederationPolicy } from './policy.ts'
export {
  PEER_PATHS,
  type PeerConnectionFacts,
  type PeerLink,
  type PeerQuestion,
  type PeerReply,
  type ProvenPeer,
  type ServePeer,
} from './ports.ts'
export { createServePeer, type ServeParts } from './serve.ts'
export type { Signer } from './statements.ts'
export {
  createTurnedAway,
  type PeerMeeting,
  type TurnedAway,
  type TurnedAwayParts,
} from './turned-away.ts'
export { oweUses, tellUses, type UseParts } from './uses.ts'
export { type PushTurns, pushWithdrawals, type WithdrawalParts } from './withdrawals.ts'
