// The door of the client: everything an application uses, in a browser or in Node. Nothing behind it imports a
// Node built-in; the transport with its own CA for Node is a door of its own, `node.ts`.

export type { KmsRequest } from './channel.ts'
export { type ClientClock, systemClock } from './clock.ts'
export {
  type ClientProblem,
  type ConnectSettings,
  connect,
  type KeyrealmClient,
} from './connect.ts'
export type { Page, Rooms } from './conversation.ts'
export { ClientError, type ClientErrorCode, KmsRefused } from './errors.ts'
export {
  type FileReference,
  openFile,
  openReference,
  type SealedFile,
  sealFile,
  sealReference,
} from './file.ts'
export type { TokenSource } from './http.ts'
export type { JsonObject } from './json.ts'
export type { ContentKey, Keys } from './keys.ts'
export { openText, type SealedText, sealText } from './message.ts'
export type { ReceiptPurpose, Receipts } from './receipts.ts'
export type { Authorization, NewResource, Resource, Resources } from './resources.ts'
export type { Message, Room, RoomEvent } from './room.ts'
export type { NewRoom } from './room-making.ts'
export type { RosterEntry } from './roster.ts'
export type { Found, Search, SearchOptions } from './search.ts'
export type { Hit, HitPart, SearchFilter, SetAside } from './search-hit.ts'
export {
  browserTransport,
  type ClientSocket,
  type ClientTransport,
  type HttpAnswer,
  type HttpExchange,
  type SocketEvents,
} from './transport.ts'
