// The door of `boundary`: all that may cross between realm and core.

export {
  type AnswersFrame,
  type BareOutcome,
  type ClearOutcome,
  type CoreFrame,
  type CorePart,
  DECLINED,
  type Declined,
  FRAME_MAX_BYTES,
  type HelloFrame,
  type KmsDetails,
  LINE_CLOSED,
  LINK_PATH,
  LINK_VERSION,
  MEMBERS_PER_ROOM,
  MESSAGES_PER_POST,
  type MessagesFrame,
  type OffboardedDoneFrame,
  type OffboardedFrame,
  PART_OPERATIONS,
  type PartOperation,
  type RealmFrame,
  type RealmState,
  ROOMS_PER_FRAME,
  type RoomRoster,
  type RostersFrame,
  SEALED_ANSWER_MAX_CHARS,
  SEALED_MESSAGE_MAX_CHARS,
  type SealedAnswer,
  type StateFrame,
  type WelcomeFrame,
  type WithdrawFrame,
} from './link.ts'
export { parseCoreFrame, parseRealmFrame } from './parse.ts'
export { isCompactJose, isDomain, isKmsUri, isWord } from './shape.ts'
export { decodeCoreFrame, decodeRealmFrame, encodeCoreFrame, encodeRealmFrame } from './wire.ts'
