// The signed reset: "no channel opens this message, make a new one" (draft §4.6.4). It says nothing
// about the message that provoked it, so one text serves every failure.

import type { RsaWorkers } from '../../crypto/index.ts'
import { VERDICTS } from '../status.ts'
import { signAnswer } from './seal.ts'
import type { StaticIdentity } from './static-key.ts'

/** The payload of a reset: `status` and `reason`, and no requestId, since none was read. */
export const resetPayload = (): string => {
  const { status, reason } = VERDICTS['channel.not-opened']
  return JSON.stringify({ status, reason })
}

/**
 * A compact JWS. Sign it once per static key and send the same text each time: it holds nothing of the
 * moment, and a stranger's noise must not cost a private-key operation each.
 */
export const signReset = (identity: StaticIdentity, workers: RsaWorkers): Promise<string> =>
  signAnswer(resetPayload(), identity, workers)
