// The door of `protocol`: the KMS protocol as data.

export { type AgreedChannel, agreeChannel } from './channel/agree.ts'
export { openHandshake, openSession, type SortedMessage, sortSealed } from './channel/open.ts'
export { resetPayload, signReset } from './channel/reset.ts'
export { type SessionHeader, sealAnswer, sessionHeader, signAnswer } from './channel/seal.ts'
export { parseStaticKeyUri, printStaticKey, type StaticIdentity } from './channel/static-key.ts'
export { type AuthorizationFacts, authorizationRepresentation } from './objects/authorization.ts'
export { type KeyFacts, keyRepresentation } from './objects/key.ts'
export { type ResourceFacts, resourceRepresentation } from './objects/resource.ts'
export type {
  KeyFilter,
  Method,
  NewAuthorizations,
  Operation,
  OperationName,
  RoleName,
} from './operation.ts'
export { isUnparsed, parseRequest, type Request, type Unparsed } from './request.ts'
export { printRefusal, printResponse, type Response } from './response.ts'
export { FAULT_VERDICT, VERDICTS, type Verdict, verdictOf } from './status.ts'
export { type ParsedJson, parseStrictJson } from './strict-json.ts'
export {
  hostOf,
  isForeign,
  parseAuthId,
  parseKeyUri,
  parseResourceUri,
  parseTarget,
  type Target,
  type Uris,
  urisOf,
} from './uri.ts'
