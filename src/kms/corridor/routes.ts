// Operation → what does it: one table, one row each. Adding an operation is adding a row.

import type { OperationName } from '../../protocol/index.ts'
import { bindKey } from '../operations/bind-key.ts'
import { createAuthorizations } from '../operations/create-authorizations.ts'
import { createKeys } from '../operations/create-keys.ts'
import { createReceipts } from '../operations/create-receipts.ts'
import { createResource } from '../operations/create-resource.ts'
import { createSession } from '../operations/create-session.ts'
import { customerKey } from '../operations/customer-key.ts'
import { deleteAuthorization, deleteAuthorizations } from '../operations/delete-authorizations.ts'
import { deleteSession } from '../operations/delete-session.ts'
import { ping } from '../operations/ping.ts'
import { recordForeignKey } from '../operations/record-foreign-key.ts'
import {
  retrieveAuthorization,
  retrieveAuthorizations,
} from '../operations/retrieve-authorizations.ts'
import { retrieveKey } from '../operations/retrieve-key.ts'
import { retrieveKeys } from '../operations/retrieve-keys.ts'
import { retrieveResource } from '../operations/retrieve-resource.ts'
import type { Asked } from './case.ts'
import type { Runner } from './operation.ts'

/** What does this request: a key that a peer binds is a key of the peer's. */
export const routeOf = ({ by, request: { operation } }: Asked): Runner =>
  by.kind === 'peer' && operation.name === 'bind-key' ? recordForeignKey : ROUTES[operation.name]

export const ROUTES: Readonly<Record<OperationName, Runner>> = {
  ping,
  'create-session': createSession,
  'delete-session': deleteSession,
  'create-keys': createKeys,
  'retrieve-key': retrieveKey,
  'bind-key': bindKey,
  'create-resource': createResource,
  'retrieve-resource': retrieveResource,
  'retrieve-keys': retrieveKeys,
  'create-authorizations': createAuthorizations,
  'retrieve-authorizations': retrieveAuthorizations,
  'retrieve-authorization': retrieveAuthorization,
  'delete-authorization': deleteAuthorization,
  'delete-authorizations': deleteAuthorizations,
  'create-receipts': createReceipts,
  'customer-key': customerKey,
}
