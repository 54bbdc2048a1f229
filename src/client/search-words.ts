// What passes between a device and its realm about a search, sealed from the core: the words on their way there, and
// on their way back how much was searched. The core can keep an answer from us, but not write one, nor show an old one.

import { type Language, parseLanguage } from '../words/index.ts'
import { ClientError } from './errors.ts'
import { openDirect, sealDirect } from './jose.ts'
import { parseJsonObject, textListMember } from './json.ts'
import type { ContentKey } from './keys.ts'

export interface Question {
  readonly words: string
  /** Everything there is, instead of the newest first. */
  readonly isComplete: boolean
}

/** The realm's own word on one page of a search. */
export interface RealmWord {
  /** Rooms that were searched. */
  readonly rooms: number
  /** Stemmers of these rooms: what a hit is checked by. */
  readonly languages: readonly Language[]
  /** There is a further page. */
  readonly isMore: boolean
  /** Not all rooms fitted into one answer. */
  readonly isTruncated: boolean
}

/** Words as real clients seal them; an object, named as one in the header, where more is to be said. */
export const sealQuestion = ({ words, isComplete }: Question, { bytes }: ContentKey) =>
  isComplete
    ? sealDirect(JSON.stringify({ words, complete: true }), { bytes }, 'application/json')
    : sealDirect(words, { bytes })

/** Rejects `client.not-confirmed` unless the realm sealed it in answer to this very question, for this page. */
export const openWord = async (
  sealed: string,
  key: ContentKey,
  asked: { readonly question: string; readonly page: number },
): Promise<RealmWord> => {
  const text = await openDirect(sealed, { bytes: key.bytes }).catch(() => '')
  const word = parseJsonObject(text)
  const { rooms, more, truncated } = word ?? {}
  const isOurs = word?.['query'] === tagOf(asked.question) && word['page'] === asked.page
  if (word === undefined || !isOurs || typeof rooms !== 'number' || typeof more !== 'boolean') {
    throw new ClientError('client.not-confirmed', 'sealed')
  }
  const languages = textListMember(word, 'languages').map(parseLanguage)
  return {
    rooms,
    languages: languages.filter((one) => one !== undefined),
    isMore: more,
    isTruncated: truncated === true,
  }
}

/** The last part of a compact JWE: no other text under the same key has the same. */
function tagOf(compact: string): string {
  return compact.slice(compact.lastIndexOf('.') + 1)
}
