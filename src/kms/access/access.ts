// May this caller do this to that? Pure and total: facts in, Refusal or nothing out. An authorised
// user may read a resource's keys, bind own keys to it, add and remove others (draft §4.7.8: rights
// spread with membership). "Unknown" and "not yours" differ here and in the log, not in the answer.

import { type Refusal, refuse } from '../../refusal.ts'
import type { Instant } from '../../time.ts'
import { isPast } from '../../time.ts'
import type { Asked } from '../corridor/case.ts'
import type { Key, UnboundKey } from '../key.ts'
import { FEATURE_OF } from '../machine.ts'
import { isExpired, type Resource } from '../resource.ts'

export interface ResourceFacts {
  readonly resource: Pick<Resource, 'uri' | 'expiresAt' | 'staleSince'> | undefined
  /** Is the subject authorised on it, directly or through other resources? */
  readonly reached: boolean
}

export const resourceRefusal = (
  { resource, reached }: ResourceFacts,
  uri: string,
  now: Instant,
): Refusal | undefined => {
  if (resource === undefined || isExpired(resource, now)) return refuse('kms.unknown-resource', uri)
  return reached ? undefined : refuse('kms.not-authorized', uri)
}

export interface KeyFacts {
  readonly key: Key | undefined
  /** For a bound key: is the subject authorised on its resource? */
  readonly reached: boolean
}

/** Unbound: its creator, from whichever device. Bound: whoever is authorised on the resource. */
export const readKeyRefusal = (
  { key, reached }: KeyFacts,
  subject: string,
  uri: string,
  now: Instant,
): Refusal | undefined => {
  if (key === undefined) return refuse('kms.unknown-key', uri)
  if (key.state === 'bound') return reached ? undefined : refuse('kms.not-authorized', uri)
  if (key.createdBy !== subject) return refuse('kms.not-key-creator', uri)
  return isBindable(key, now) ? undefined : refuse('kms.key-expired', uri)
}

export const isBindable = (key: UnboundKey, now: Instant): boolean => !isPast(key.bindBy, now)

/** What a key must be for its creator to bind it to a resource where it is not yet. */
export const bindRefusal = (
  key: Key | undefined,
  subject: string,
  uri: string,
  now: Instant,
): Refusal | undefined => {
  if (key === undefined) return refuse('kms.unknown-key', uri)
  if (key.createdBy !== subject) return refuse('kms.not-key-creator', uri)
  if (key.state === 'bound') return refuse('kms.key-already-bound', uri)
  return isBindable(key, now) ? undefined : refuse('kms.key-expired', uri)
}

/** A machine does only what some grant names; where it may, is asked of each resource. */
const featureRefusal = ({ by, request }: Asked): Refusal | undefined => {
  const feature = FEATURE_OF[request.operation.name]
  if (by.kind !== 'service' || feature === 'none') return undefined
  return feature !== undefined && by.features.has(feature)
    ? undefined
    : refuse('kms.feature-not-granted', feature)
}

/** The holder of an anonymous bearer reads keys; the rest, who else is authorised too, is for accounts. */
export const accountRefusal = (asked: Asked): Refusal | undefined =>
  asked.by.kind === 'anonymous' ? refuse('kms.person-not-allowed') : featureRefusal(asked)
