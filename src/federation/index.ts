// The door of federation: which keys cross between organisations, on whose behalf, and who may take them.

export { type PeerDomain, parsePeerDomain } from './domain.ts'
export {
  PEER_PATHS,
  type PeerConnectionFacts,
  type PeerLink,
  type PeerQuestion,
  type PeerReply,
  type ProvenPeer,
  type ServePeer,
} from './ports.ts'
