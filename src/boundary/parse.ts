// Raw JSON values to frames. Total and strict: any value gives a frame or a Refusal, an unknown
// member refuses the whole frame, and every string and list has a limit.

import { isUuid, parseClientId } from '../id.ts'
import { isRefusal, type Refusal, refuse } from '../refusal.ts'
import { parseDetails } from './details.ts'
import {
  type AnswersFrame,
  type BareOutcome,
  type ClearOutcome,
  type CoreFrame,
  DECLINED,
  type Declined,
  type HelloFrame,
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
import {
  parseOffboarded,
  parseOffboardedDone,
  parsePart,
  parseRosters,
  parseWithdraw,
} from './parse-rooms.ts'
import {
  parseFeed,
  parseFeedAsk,
  parseFeedNews,
  parsePostings,
  parsePostingsDone,
  parsePostingsDrop,
  parseSearch,
  parseSearchDeclined,
  parseSearchHashes,
} from './parse-search.ts'
import {
  isCompactJose,
  isDomain,
  isIntegerWithin,
  isKmsUri,
  isListOf,
  isObjectOf,
  isText,
  isWord,
  type RawObject,
} from './shape.ts'

const ORGANIZATIONS_MAX = 10_000

const HELLO = new Set(['type', 'version', 'domain', 'organizationIds', 'state', 'details'])
const WELCOME = new Set(['type', 'version'])
const STATE = new Set(['type', 'state', 'details'])
const ANSWERS = new Set(['type', 'id', 'answers', 'more', 'declined'])
const ANSWER = new Set(['n', 'deliverTo', 'kmsMessage', 'clear'])
const CLEAR = new Set(['status', 'resourceUri'])
const MESSAGES = new Set([
  'type',
  'id',
  'sync',
  'part',
  'httpUser',
  'httpDevice',
  'trackingId',
  'kmsMessages',
])

/** What the core reads: a frame that a realm sent. */
export const parseRealmFrame = (raw: unknown): RealmFrame | Refusal => {
  switch (typeOf(raw)) {
    case 'hello':
      return parseHello(raw)
    case 'state':
      return parseState(raw)
    case 'answers':
      return parseAnswers(raw)
    case 'off-boarded':
      return parseOffboarded(raw)
    case 'feed-ask':
      return parseFeedAsk(raw)
    case 'postings':
      return parsePostings(raw)
    case 'postings-drop':
      return parsePostingsDrop(raw)
    case 'search-hashes':
      return parseSearchHashes(raw)
    case 'search-declined':
      return parseSearchDeclined(raw)
    default:
      return malformed('type')
  }
}

/** What the realm reads: a frame that the core sent. */
export const parseCoreFrame = (raw: unknown): CoreFrame | Refusal => {
  switch (typeOf(raw)) {
    case 'welcome':
      return parseWelcome(raw)
    case 'messages':
      return parseMessages(raw)
    case 'withdraw':
      return parseWithdraw(raw)
    case 'rosters':
      return parseRosters(raw)
    case 'off-boarded-done':
      return parseOffboardedDone(raw)
    case 'feed':
      return parseFeed(raw)
    case 'feed-news':
      return parseFeedNews(raw)
    case 'postings-done':
      return parsePostingsDone(raw)
    case 'search':
      return parseSearch(raw)
    default:
      return malformed('type')
  }
}

const malformed = (about: string): Refusal => refuse('boundary.malformed-frame', about)

const typeOf = (raw: unknown): unknown =>
  typeof raw === 'object' && raw !== null && 'type' in raw ? raw.type : undefined

const isState = (raw: unknown): raw is RealmState => raw === 'ready' || raw === 'locked'

const parseHello = (raw: unknown): HelloFrame | Refusal => {
  // The version comes first: another version may well have other members.
  const version = versionOf(raw)
  if (isRefusal(version)) return version
  if (!isObjectOf(raw, HELLO)) return malformed('hello')
  const { domain, organizationIds, state } = raw
  if (!isDomain(domain)) return malformed('domain')
  if (!isListOf(organizationIds, ORGANIZATIONS_MAX, isUuid)) return malformed('organizationIds')
  if (!isState(state)) return malformed('state')
  const details = parseDetails(raw['details'], domain)
  if (details === undefined) return malformed('details')
  return { type: 'hello', version: LINK_VERSION, domain, organizationIds, state, details }
}

const parseWelcome = (raw: unknown): WelcomeFrame | Refusal => {
  const version = versionOf(raw)
  if (isRefusal(version)) return version
  return isObjectOf(raw, WELCOME) ? { type: 'welcome', version } : malformed('welcome')
}

const versionOf = (raw: unknown): number | Refusal =>
  typeof raw === 'object' && raw !== null && 'version' in raw && raw.version === LINK_VERSION
    ? LINK_VERSION
    : refuse('boundary.unknown-version')

const parseState = (raw: unknown): StateFrame | Refusal => {
  if (!isObjectOf(raw, STATE)) return malformed('state')
  const details = parseDetails(raw['details'])
  if (details === undefined) return malformed('details')
  return isState(raw['state'])
    ? { type: 'state', state: raw['state'], details }
    : malformed('state')
}

const isSealedMessage = (raw: unknown): raw is string => isText(raw, SEALED_MESSAGE_MAX_CHARS)

const parseMessages = (raw: unknown): MessagesFrame | Refusal => {
  if (!isObjectOf(raw, MESSAGES)) return malformed('messages')
  const { id, sync, httpUser, httpDevice, trackingId, kmsMessages } = raw
  if (!isWord(id)) return malformed('id')
  if (typeof sync !== 'boolean') return malformed('sync')
  if (!isUuid(httpUser)) return malformed('httpUser')
  const device = httpDevice === undefined ? undefined : parseClientId(httpDevice)
  if (httpDevice !== undefined && !device) return malformed('httpDevice')
  if (!isWord(trackingId)) return malformed('trackingId')
  if (!isListOf(kmsMessages, MESSAGES_PER_POST, isSealedMessage) || kmsMessages.length === 0) {
    return malformed('kmsMessages')
  }
  const frame = {
    type: 'messages',
    id,
    sync,
    httpUser,
    trackingId,
    kmsMessages,
    ...(device === undefined ? {} : { httpDevice: device }),
  } as const
  return raw['part'] === undefined ? frame : withPart(frame, raw['part'])
}

/** An operation is one sealed message of the user whom the core names, and somebody waits for it. */
const withPart = (frame: MessagesFrame, raw: unknown): MessagesFrame | Refusal => {
  const part = parsePart(raw)
  const isFit = frame.sync && frame.kmsMessages.length === 1 && part?.user === frame.httpUser
  return part !== undefined && isFit ? { ...frame, part } : malformed('part')
}

const isDeclined = (raw: unknown): raw is Declined => DECLINED.some((code) => code === raw)

const parseAnswers = (raw: unknown): AnswersFrame | Refusal => {
  if (!isObjectOf(raw, ANSWERS)) return malformed('answers')
  const { id, declined, more } = raw
  if (!isWord(id)) return malformed('id')
  if (more !== undefined && more !== true) return malformed('more')
  const answers = parseAnswerList(raw['answers'])
  if (isRefusal(answers)) return answers
  const frame = { type: 'answers', id, answers } as const
  if (declined === undefined) return more === undefined ? frame : { ...frame, more }
  if (!isDeclined(declined) || answers.length > 0 || more) return malformed('declined')
  return { type: 'answers', id, answers, declined }
}

/** In request order, and no request answered twice: `n` only rises. */
const parseAnswerList = (raw: unknown): readonly Answer[] | Refusal => {
  if (!Array.isArray(raw) || raw.length > MESSAGES_PER_POST) return malformed('answers')
  const answers: Answer[] = []
  let last = -1
  for (const rawAnswer of raw) {
    const answer = parseAnswer(rawAnswer)
    if (isRefusal(answer)) return answer
    if (answer.n <= last) return malformed('n')
    last = answer.n
    answers.push(answer)
  }
  return answers
}

type Answer = SealedAnswer | BareOutcome

const parseAnswer = (raw: unknown): Answer | Refusal => {
  if (!isObjectOf(raw, ANSWER)) return malformed('answer')
  const { n, kmsMessage } = raw
  if (!isIntegerWithin(n, 0, MESSAGES_PER_POST - 1)) return malformed('n')
  const clear = parseClear(raw['clear'])
  if (raw['clear'] !== undefined && clear === undefined) return malformed('clear')
  // Nothing sealed: then it goes to nobody, and must say in clear what became of it.
  if (kmsMessage === undefined) {
    const isBare = clear !== undefined && raw['deliverTo'] === undefined
    return isBare ? { n, clear } : malformed('kmsMessage')
  }
  const deliverTo = parseClientId(raw['deliverTo'])
  if (!deliverTo) return malformed('deliverTo')
  if (!isCompactJose(kmsMessage, SEALED_ANSWER_MAX_CHARS)) return malformed('kmsMessage')
  const answer = { n, deliverTo, kmsMessage }
  return clear === undefined ? answer : { ...answer, clear }
}

const parseClear = (raw: unknown): ClearOutcome | undefined => {
  if (!isObjectOf(raw, CLEAR)) return undefined
  const { status, resourceUri }: RawObject = raw
  if (!isIntegerWithin(status, 100, 599)) return undefined
  if (resourceUri === undefined) return { status }
  return isKmsUri(resourceUri) ? { status, resourceUri } : undefined
}
