// The door of `boundary`: all that may cross between realm and core.

export {
  type AnswersFrame,
  type CoreFrame,
  DECLINED,
  type Declined,
  FRAME_MAX_BYTES,
  type HelloFrame,
  type KmsDetails,
  LINE_CLOSED,
  LINK_PATH,
  LINK_VERSION,
  MESSAGES_PER_POST,
  type MessagesFrame,
  type RealmFrame,
  type RealmState,
  SEALED_ANSWER_MAX_CHARS,
  SEALED_MESSAGE_MAX_CHARS,
  type SealedAnswer,
  type StateFrame,
  type WelcomeFrame,
} from './link.ts'
export { parseCoreFrame, parseRealmFrame } from './parse.ts'
export { isCompactJose, isDomain, isKmsUri, isWord } from './shape.ts'
export { decodeCoreFrame, decodeRealmFrame, encodeCoreFrame, encodeRealmFrame } from './wire.ts'
