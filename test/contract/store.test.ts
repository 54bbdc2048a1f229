// The ports of `kms` and `audit` as the store keeps them: one suite, run on every implementation.

import { after, describe } from 'node:test'
import { answersContract } from './store/answers.ts'
import { auditLogContract } from './store/audit-log.ts'
import { authorizationsContract } from './store/authorizations.ts'
import { copyingContract } from './store/copying.ts'
import { durabilityContract } from './store/durability.ts'
import { erasuresContract } from './store/erasures.ts'
import { federationContract } from './store/federation.ts'
import { implementations } from './store/implementations.ts'
import { keyringContract } from './store/keyring.ts'
import { keysContract } from './store/keys.ts'
import { logTreeContract } from './store/log-tree.ts'
import { migrationsContract } from './store/migrations.ts'
import { operationsContract } from './store/operations.ts'
import { peopleContract } from './store/people.ts'
import { reachContract } from './store/reach.ts'
import { resourcesContract } from './store/resources.ts'
import { roomsContract } from './store/rooms.ts'
import { searchContract } from './store/search.ts'
import { sessionsContract } from './store/sessions.ts'
import { shippingContract } from './store/shipping.ts'
import { transactionsContract } from './store/transactions.ts'
import { witnessesContract } from './store/witnesses.ts'

const CONTRACTS = [
  keysContract,
  resourcesContract,
  authorizationsContract,
  reachContract,
  sessionsContract,
  answersContract,
  operationsContract,
  peopleContract,
  roomsContract,
  erasuresContract,
  searchContract,
  federationContract,
  keyringContract,
  auditLogContract,
  logTreeContract,
  shippingContract,
  witnessesContract,
  transactionsContract,
  migrationsContract,
  durabilityContract,
  copyingContract,
]

for (const implementation of await implementations()) {
  describe(`the store on ${implementation.name}`, implementation.options, () => {
    after(implementation.stop)
    for (const contract of CONTRACTS) contract(implementation)
  })
}
