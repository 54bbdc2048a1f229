// Canonical bytes of an entry: JSON by RFC 8785. Members are written in the order of their names, by
// construction; strings and numbers are what JSON.stringify makes of them, as RFC 8785 §3.2.2 asks.

import { toRfc3339 } from '../time.ts'
import { ENTRY_VERSION } from './canonical.ts'
import type { Act, Place } from './entry.ts'

type Details = NonNullable<Act['details']>

/** Nothing that we record is longer; it keeps what strangers wrote from filling an entry. */
const TEXT_MAX_CHARS = 2048
/** A signed note that is evidence; cut off it would prove nothing. */
const DETAIL_MAX_CHARS = 16_384

/** Lone surrogates are not Unicode text; RFC 8785 §3.2.2.2 wants them out. */
const wellFormed = (value: string, maxChars = TEXT_MAX_CHARS): string =>
  value.slice(0, maxChars).toWellFormed()

const text = (value: string | undefined): string | undefined =>
  value === undefined ? undefined : wellFormed(value)

const texts = (values: readonly string[] | undefined): readonly string[] | undefined =>
  values === undefined || values.length === 0 ? undefined : values.map((one) => wellFormed(one))

const sorted = (details: Details): Details =>
  Object.fromEntries(
    Object.entries(details)
      .sort(([left], [right]) => (left < right ? -1 : 1))
      .map(([name, value]) => [
        name,
        typeof value === 'string' ? wellFormed(value, DETAIL_MAX_CHARS) : value,
      ]),
  )

/** The members below MUST stay in code-unit order of their names; a test compares with an RFC 8785 library. */
export const encodeEntry = (act: Act, place: Place): string =>
  JSON.stringify({
    action: act.action,
    actor: { ...(act.actor.id === undefined ? {} : { id: act.actor.id }), kind: act.actor.kind },
    authorizations: texts(act.authorizations),
    boot: place.boot,
    clientId: text(act.clientId),
    code: act.code,
    counter: place.counter,
    details: act.details === undefined ? undefined : sorted(act.details),
    durationMs: act.durationMs,
    keys: texts(act.keys),
    method: text(act.method),
    node: place.node,
    onBehalfOf: act.onBehalfOf,
    organizationId: act.organizationId,
    outcome: act.outcome,
    part: act.part,
    realm: place.realm,
    requestId: text(act.requestId),
    resource: text(act.resource),
    session: text(act.session),
    sizeBytes: act.sizeBytes,
    subjects: texts(act.subjects),
    time: toRfc3339(place.time),
    trackingId: text(act.trackingId),
    type: act.type,
    uri: text(act.uri),
    uses: act.uses?.map(({ at, key, purpose }) => ({
      at: wellFormed(at),
      key: wellFormed(key),
      purpose: wellFormed(purpose),
    })),
    v: ENTRY_VERSION,
  })
