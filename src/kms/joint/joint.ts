// A room operation that core and realm apply together: what the core authenticated and is about to do,
// held against what the sealed message says. The core's word opens nothing; it can only stop an act that
// it did not mean, and be stopped from one that the sender did not mean.

import type { CorePart } from '../../boundary/index.ts'
import type { Operation } from '../../protocol/index.ts'
import { ownSubject } from '../access/on-behalf.ts'
import type { Asked } from '../corridor/case.ts'

/** What came with a sealed message of which the core waits for the outcome. */
export interface Joint {
  /** The core's name for its operation; one id, one end. */
  readonly id: string
  readonly httpUser: string
  /** Absent where the core says nothing of what it is about to do: then nothing is done. */
  readonly part?: CorePart
}

/** What both sides must agree on, as the sealed message has it. */
interface Meant {
  readonly resourceUri: string | undefined
  readonly keyUris: readonly string[]
  readonly subjects: readonly string[]
  readonly anonymous: number
}

const NOTHING = { resourceUri: undefined, keyUris: [], subjects: [], anonymous: 0 }

const meantBy = (operation: Operation): Meant | undefined => {
  switch (operation.name) {
    case 'create-resource': {
      const { keyUris, authIds, anonymous } = operation
      return { ...NOTHING, keyUris, subjects: authIds, anonymous }
    }
    case 'create-authorizations': {
      const { resourceUri, authIds, anonymous } = operation
      return { ...NOTHING, resourceUri, subjects: authIds, anonymous }
    }
    case 'delete-authorizations':
      return { ...NOTHING, resourceUri: operation.uri, subjects: operation.authIds }
    case 'bind-key':
      return { ...NOTHING, resourceUri: operation.resourceUri, keyUris: [operation.uri] }
    default:
      return undefined
  }
}

const meaning = (
  user: string,
  {
    operation,
    resourceUri,
    keyUris,
    subjects,
    anonymous,
  }: {
    readonly operation: string
    readonly resourceUri?: string | undefined
    readonly keyUris?: readonly string[]
    readonly subjects?: readonly string[]
    readonly anonymous?: number
  },
): string =>
  JSON.stringify([
    user,
    operation,
    resourceUri ?? '',
    [...new Set(keyUris)].toSorted(),
    [...new Set(subjects)].toSorted(),
    anonymous ?? 0,
  ])

/** What a request means, in one text; undefined for what core and realm never do together. */
export const meaningOf = ({ by, request: { operation } }: Asked): string | undefined => {
  const meant = meantBy(operation)
  return meant && meaning(ownSubject(by), { operation: operation.name, ...meant })
}

/** The same of what the core is about to do. */
export const meaningOfPart = (part: CorePart): string => meaning(part.user, part)

const isSame = (left: readonly string[], right: readonly string[]): boolean => {
  const [one, other] = [new Set(left), new Set(right)]
  return one.size === other.size && left.every((item) => other.has(item))
}

/** The creator of a resource is always authorised there, named or not. */
const subjectsOf = (part: Pick<CorePart, 'operation' | 'user'>, named: readonly string[]) =>
  part.operation === 'create-resource' ? [...named, part.user] : named

/** The names of what the two parts do not agree on; none if they agree. */
export const disagreements = (asked: Asked, { httpUser, part }: Joint): readonly string[] => {
  if (part === undefined) return ['part']
  const { operation } = asked.request
  const meant = meantBy(operation)
  const who = [
    ...(part.user === httpUser ? [] : ['httpUser']),
    ...(part.user === ownSubject(asked.by) ? [] : ['user']),
  ]
  if (meant === undefined || operation.name !== part.operation) return [...who, 'operation']
  const subjects = subjectsOf(part, part.subjects ?? [])
  return [
    ...who,
    ...(meant.resourceUri === part.resourceUri ? [] : ['resourceUri']),
    ...(isSame(meant.keyUris, part.keyUris ?? []) ? [] : ['keyUris']),
    ...(isSame(subjectsOf(part, meant.subjects), subjects) ? [] : ['subjects']),
    ...(meant.anonymous === (part.anonymous ?? 0) ? [] : ['anonymous']),
  ]
}
