// The realm's RSA identities: certificate chain in clear, private key wrapped. Older ones stay, because
// running clients go on using the one they fetched at start (draft §4.3).

import type { StaticKey, StaticKeyStore } from '../kms/index.ts'
import { instant } from '../time.ts'
import { branded, fromWrapped, toWrapped } from './mapping.ts'
import { type RowOf, staticKeyColumns } from './schema.ts'
import { type Dialect, type Link, prepare, prepareInsert } from './statement.ts'

type StaticKeyRow = RowOf<typeof staticKeyColumns>

const toStaticKey = (row: StaticKeyRow): StaticKey => ({
  uri: branded<StaticKey['uri']>(row.uri),
  publicJwkJson: row.public_jwk,
  wrapped: toWrapped(row),
  createdAt: instant(row.created_at),
})

const fromStaticKey = (key: StaticKey): StaticKeyRow => ({
  uri: key.uri,
  public_jwk: key.publicJwkJson,
  created_at: key.createdAt,
  ...fromWrapped(key.wrapped),
})

export const prepareStaticKeys = (dialect: Dialect) => {
  const all = prepare(dialect, 'static-keys.all', {}, (db) =>
    db.selectFrom('static_keys').selectAll().orderBy('created_at', 'desc').orderBy('uri', 'desc'),
  )
  const insert = prepareInsert(dialect, 'static_keys', staticKeyColumns)
  return (link: Link): StaticKeyStore => ({
    all: async () => (await link.all(all, {})).map(toStaticKey),
    async insert(key) {
      await link.insertAll(insert, [fromStaticKey(key)])
    },
  })
}
