// Usage receipts: what a client says that it did with keys. Not in the draft: a client that knows nothing of them
// never sends one. Strict, and it looks nothing up: which keys exist is no answer's business.

import { isRefusal, type Refusal, refuse } from '../refusal.ts'
import { parseRfc3339 } from '../time.ts'
import { type Operation, type RawObject, RECEIPT_PURPOSES, type Receipt } from './operation.ts'
import { parseKeyUri, type Target, type Uris } from './uri.ts'

/** So that one message is one entry of the log, whatever the realm is called. */
const RECEIPTS_PER_REQUEST = 100

const MEMBERS = 'keyUri,purpose,usedAt'

const parseReceipt = (raw: unknown, uris: Uris): Receipt | Refusal => {
  if (typeof raw !== 'object' || raw === null || Array.isArray(raw)) {
    return refuse('request.invalid', 'receipts')
  }
  if (Object.keys(raw).sort().join() !== MEMBERS) return refuse('request.invalid', 'receipts')
  const { keyUri: rawUri, usedAt: rawTime, purpose: rawPurpose } = raw as RawObject
  const keyUri = parseKeyUri(rawUri, uris)
  if (isRefusal(keyUri)) return keyUri
  const usedAt = parseRfc3339(rawTime)
  const purpose = RECEIPT_PURPOSES.find((one) => one === rawPurpose)
  if (usedAt === undefined || purpose === undefined) return refuse('request.invalid', 'receipts')
  return { keyUri, usedAt, purpose }
}

export const parseReceipts = (raw: RawObject, _target: Target, uris: Uris): Operation | Refusal => {
  const list: unknown = raw['receipts']
  if (!Array.isArray(list)) return refuse('request.invalid', 'receipts')
  if (list.length === 0 || list.length > RECEIPTS_PER_REQUEST) {
    return refuse('request.invalid-count', 'receipts')
  }
  const receipts: Receipt[] = []
  for (const one of list) {
    const receipt = parseReceipt(one, uris)
    if (isRefusal(receipt)) return receipt
    receipts.push(receipt)
  }
  return { name: 'create-receipts', receipts }
}
