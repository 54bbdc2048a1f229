// The door of `links`: every connection we make.

export { type CoreLink, type CoreLinkOptions, openCoreLink } from './core-link.ts'
export {
  createIdentityProvider,
  type IdentityProviderLink,
  type IdentityProviderSettings,
} from './identity-provider.ts'
export { createLogFile, type LogFileOptions } from './log-file.ts'
export { dialPeer, type PeerAddress, type PeerWay, type PeerWays } from './peer-dial.ts'
export {
  createPeerLink,
  type OpenPeerLink,
  type PeerLinkLimits,
  type PeerLinkOptions,
} from './peer-link.ts'
export {
  createPeerServer,
  type PeerArrival,
  type PeerServer,
  type PeerServerLimits,
  type PeerServerOptions,
} from './peer-server.ts'
export { createPeerStreams, type IncomingStream, type PeerStreams } from './peer-streams.ts'
export type { JudgedCertificate, PeerTls, PeerTrustView } from './peer-tls.ts'
export type { PeerEncounter, PeerWatch } from './peer-watch.ts'
export {
  askDate,
  type DateQuestion,
  type ProbeAnswer,
  probeTls,
  type TlsProbe,
} from './probe.ts'
export { type HttpProxy, isThroughProxy, openTunnel, type Target } from './proxy.ts'
export { createSyslogDatagram, type SyslogDatagramOptions } from './syslog-datagram.ts'
export {
  createSyslogStream,
  type Framing,
  type SyslogStreamOptions,
  type SyslogTls,
} from './syslog-stream.ts'
export { type WitnessPlace, witnessAt } from './witness-call.ts'
