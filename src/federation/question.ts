// An operation → the protocol's own request object, as a peer is asked it; many of them are one batch.

import { Fault } from '../fault.ts'
import type { PeerAsk } from '../kms/index.ts'
import { hostOf, type Operation } from '../protocol/index.ts'
import { toRfc3339 } from '../time.ts'

type Json = Readonly<Record<string, unknown>>

const filterOf = ({ filter }: Extract<Operation, { name: 'retrieve-keys' }>): Json => ({
  ...(filter.boundAfter === undefined ? {} : { boundAfter: toRfc3339(filter.boundAfter) }),
  ...(filter.boundBefore === undefined ? {} : { boundBefore: toRfc3339(filter.boundBefore) }),
  ...(filter.count === undefined ? {} : { count: filter.count }),
})

const grantOf = (operation: Extract<Operation, { name: 'create-authorizations' }>): Json => ({
  method: 'create',
  uri: `kms://${hostOf(operation.resourceUri)}/authorizations`,
  resourceUri: operation.resourceUri,
  authIds: operation.authIds,
  roleUri: `kms://${hostOf(operation.resourceUri)}/roles/${operation.role}`,
  ...(operation.ttlSeconds === 0 ? {} : { ttl: operation.ttlSeconds }),
})

/** Throws a Fault for an operation that is never asked of a peer. */
export const requestOf = (operation: Operation): Json => {
  switch (operation.name) {
    case 'retrieve-key':
    case 'retrieve-resource':
    case 'retrieve-authorization':
      return { method: 'retrieve', uri: operation.uri }
    case 'retrieve-keys':
      return { method: 'retrieve', uri: `${operation.uri}/keys`, ...filterOf(operation) }
    case 'retrieve-authorizations': {
      const { uri, authId } = operation
      const query = authId === undefined ? '' : `?authId=${encodeURIComponent(authId)}`
      return { method: 'retrieve', uri: `${uri}/authorizations${query}` }
    }
    case 'create-authorizations':
      return grantOf(operation)
    case 'delete-authorization':
      return { method: 'delete', uri: operation.uri }
    case 'delete-authorizations': {
      const uri = `kms://${hostOf(operation.uri)}/authorizations`
      return { method: 'delete', uri, resourceUri: operation.uri, authIds: operation.authIds }
    }
    case 'bind-key':
      return { method: 'update', uri: operation.uri, resourceUri: operation.resourceUri }
    default:
      throw new Fault('federation.not-a-question')
  }
}

const vouchedIn = (vouchedFor: string | undefined): Json =>
  vouchedFor === undefined ? {} : { vouchedFor }

/** The body of a batch; the requestIds are places in it. */
export const batchOf = (asks: readonly PeerAsk[]): Json => ({
  requests: asks.map(({ userId, vouchedFor, through, operationId, operation }, index) => ({
    userId,
    ...vouchedIn(vouchedFor ?? through),
    ...(operationId === undefined ? {} : { operationId }),
    request: { requestId: String(index), client: {}, ...requestOf(operation) },
  })),
})
