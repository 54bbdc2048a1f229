// The door of `links`: every connection we make.

export { type CoreLink, type CoreLinkOptions, openCoreLink } from './core-link.ts'
export {
  createIdentityProvider,
  type IdentityProviderLink,
  type IdentityProviderSettings,
} from './identity-provider.ts'
export { createLogFile, type LogFileOptions } from './log-file.ts'
export { createSyslogDatagram, type SyslogDatagramOptions } from './syslog-datagram.ts'
export {
  createSyslogStream,
  type Framing,
  type SyslogStreamOptions,
  type SyslogTls,
} from './syslog-stream.ts'
export { type WitnessPlace, witnessAt } from './witness-call.ts'
