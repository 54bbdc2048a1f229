// An answer → what travels: under the session's key, or, for a handshake, signed by the static key that
// the client's request named. It does not look into the answer.

import {
  type AesKey,
  type DirectHeader,
  directHeader,
  type Random,
  type RsaWorkers,
  sealDirect,
  signCompactJws,
} from '../../crypto/index.ts'
import type { SessionUri } from '../../id.ts'
import type { StaticIdentity } from './static-key.ts'

/** The header of every answer of one session; make it once and keep it beside the session's key. */
export type SessionHeader = DirectHeader

/** `{"enc":"A256GCM","alg":"dir","kid":<session URI>}`: a wrong `kid` cannot be opened by the client. */
export const sessionHeader = (uri: SessionUri): SessionHeader => directHeader(uri)

/** Draft §4.6.2: a compact JWE with a fresh IV; sealing the same answer again gives another text. */
export const sealAnswer = (
  answerJson: string,
  channelKey: AesKey,
  header: SessionHeader,
  random: Random,
): string => sealDirect(answerJson, channelKey, header, random)

/** The answer to a handshake: a compact JWS, PS256, `kid` = the static key's URI (draft §4.7.1). */
export const signAnswer = (
  answerJson: string,
  identity: StaticIdentity,
  workers: RsaWorkers,
): Promise<string> => signCompactJws(answerJson, identity.uri, identity.privateKey, workers)
