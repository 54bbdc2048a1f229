// Resources: what keys are bound to and people are authorised on (draft §4.7.3, §4.7.8-§4.7.11).

import type { Asks } from './channel.ts'
import { type JsonObject, listMember, objectMember, textListMember, textMember } from './json.ts'

export interface Resource {
  readonly uri: string
  readonly keyUris: readonly string[]
  readonly authorizationUris: readonly string[]
}

export interface Authorization {
  readonly uri: string
  /** A user id, a resource URI, or (anonymous) the authorization's own URI. */
  readonly authId: string
  readonly resourceUri: string
  /** As the realm calls it: `participant`, or `agent` for programs. */
  readonly role?: string
  /** Of an anonymous authorization, in the answer that made it and never again. A secret. */
  readonly bearer?: string
}

export interface NewResource {
  /** User ids, or URIs of resources whose people are meant. The caller is always in. */
  readonly userIds: readonly string[]
  /** Unbound keys of the caller, to be bound in the same act. */
  readonly keyUris: readonly string[]
}

export interface Resources {
  create(wanted: NewResource): Promise<Resource>
  authorize(resourceUri: string, userIds: readonly string[]): Promise<readonly Authorization[]>
  /** Whoever holds one of the bearers that come back may read the resource's keys. */
  authorizeAnonymous(resourceUri: string, count: number): Promise<readonly Authorization[]>
  list(resourceUri: string): Promise<readonly Authorization[]>
  /** Takes effect at once for keys not yet fetched. Answers what was removed: nothing is no error. */
  remove(resourceUri: string, authId: string): Promise<readonly Authorization[]>
}

export const createResources = (channel: Asks): Resources => {
  const authorize = async (members: JsonObject): Promise<readonly Authorization[]> =>
    readAuthorizations(await channel.ask({ method: 'create', uri: '/authorizations', members }))
  return {
    async create({ userIds, keyUris }) {
      const request = {
        method: 'create',
        uri: '/resources',
        members: { userIds, keyUris },
      } as const
      const answer = objectMember(await channel.ask(request), 'resource')
      return {
        uri: textMember(answer, 'uri'),
        keyUris: textListMember(answer, 'keyUris'),
        authorizationUris: textListMember(answer, 'authorizationUris'),
      }
    },
    authorize: (resourceUri, userIds) => authorize({ resourceUri, userIds }),
    authorizeAnonymous: (resourceUri, anonymous) => authorize({ resourceUri, anonymous }),
    async list(resourceUri) {
      const uri = `${resourceUri}/authorizations`
      return readAuthorizations(await channel.ask({ method: 'retrieve', uri }))
    },
    async remove(resourceUri, authId) {
      const uri = `${resourceUri}/authorizations?authId=${encodeURIComponent(authId)}`
      return readAuthorizations(await channel.ask({ method: 'delete', uri }))
    },
  }
}

function readAuthorizations(answer: JsonObject): readonly Authorization[] {
  return listMember(answer, 'authorizations').map((raw) => {
    const { authId, bearer, roleUri } = raw
    const uri = textMember(raw, 'uri')
    return {
      uri,
      // In the answer that creates an anonymous one, the bearer may stand instead of it (draft §4.4.2).
      authId: typeof authId === 'string' ? authId : uri,
      resourceUri: textMember(raw, 'resourceUri'),
      ...(typeof roleUri === 'string' ? { role: roleUri.slice(roleUri.lastIndexOf('/') + 1) } : {}),
      ...(typeof bearer === 'string' ? { bearer } : {}),
    }
  })
}
