// Machine accounts and what they were granted, and with them what else must be known of a caller for each
// request: one statement, because the busiest path of the realm asks it.

import { type SqlBool, sql } from 'kysely'
import type { AuthorizationUri, OrganizationId, ResourceUri, UserId } from '../id.ts'
import type {
  Feature,
  FeatureExclusion,
  FeatureGrant,
  FeaturePolicy,
  MachineAccount,
  MachineStore,
  Scope,
  Standing,
} from '../kms/index.ts'
import { instant } from '../time.ts'
import { branded, oneOf, optional, optionalInstant } from './mapping.ts'
import {
  machineAccountColumns,
  machineExclusionColumns,
  machineGrantColumns,
  type RowOf,
} from './schema.ts'
import { type Dialect, type Link, prepare, prepareInsert } from './statement.ts'

const FEATURE_NAMES: Readonly<Record<Feature, Feature>> = {
  'read-keys': 'read-keys',
  'read-rosters': 'read-rosters',
  authorize: 'authorize',
  'bind-keys': 'bind-keys',
  index: 'index',
}

const toAccount = (row: RowOf<typeof machineAccountColumns>): MachineAccount => ({
  userId: branded<UserId>(row.user_id),
  name: row.name,
  organizationId: branded<OrganizationId>(row.organization_id),
  createdAt: instant(row.created_at),
  ...optional('disabledAt', optionalInstant(row.disabled_at)),
})

const toGrant = (row: RowOf<typeof machineGrantColumns>): FeatureGrant => ({
  uri: branded<AuthorizationUri>(row.uri),
  userId: branded<UserId>(row.user_id),
  feature: oneOf(FEATURE_NAMES, row.feature),
  scope: branded<Scope & string>(row.scope),
  createdAt: instant(row.created_at),
})

interface StandingRow {
  readonly user_id: string
  /** Null for a person who was off-boarded. */
  readonly organization_id: string | null
  readonly disabled_at: number | null
  readonly feature: string | null
}

const prepareStanding = (dialect: Dialect) =>
  prepare(
    dialect,
    'machines.standing',
    { ids: 'texts' },
    (_, p) => sql<StandingRow>`
      select user_id, null as organization_id, off_boarded_at as disabled_at, null as feature
      from people
      where ${p.ids.has('user_id')} and off_boarded_at is not null
      union all
      select account.user_id, account.organization_id, account.disabled_at, given.feature
      from machine_accounts as account
      left join (select distinct user_id, feature from machine_grants) as given
        on given.user_id = account.user_id
      where ${p.ids.has('account.user_id')}`,
  )

const standingOf = (rows: readonly StandingRow[]): Standing => {
  const accounts = rows.filter((row) => row.organization_id !== null)
  const features = accounts.flatMap(({ feature }) =>
    feature === null ? [] : [oneOf(FEATURE_NAMES, feature)],
  )
  const [account] = accounts
  const isOffBoarded = accounts.length < rows.length
  if (account?.organization_id == null) return { isOffBoarded }
  const machine = {
    organizationId: branded<OrganizationId>(account.organization_id),
    isDisabled: account.disabled_at !== null,
    features: new Set(features),
  }
  return { isOffBoarded, machine }
}

const questions = { user_id: 'text', feature: 'text', resource_uri: 'text' } as const

const isNotExcluded = sql<SqlBool>`not exists (
  select 1 from machine_exclusions as excluded
  where excluded.user_id = given.user_id and excluded.feature = given.feature
    and excluded.resource_uri = resource.uri)`

const preparePolicy = (dialect: Dialect) => ({
  grants: prepare(
    dialect,
    'machines.policy-grants',
    { feature: 'text' },
    (_, p) => sql<{
      readonly uri: string
      readonly user_id: string
      readonly scope: string
      readonly organization_id: string
    }>`
      select given.uri, given.user_id, given.scope, account.organization_id
      from machine_grants as given
      join machine_accounts as account on account.user_id = given.user_id
      where given.feature = ${p.feature} and account.disabled_at is null
      order by given.created_at, given.uri`,
  ),
  exclusions: prepare(dialect, 'machines.policy-exclusions', { feature: 'text' }, (db, p) =>
    db
      .selectFrom('machine_exclusions')
      .select(['user_id', 'resource_uri'])
      .where('feature', '=', p.feature)
      .orderBy('created_at')
      .orderBy('resource_uri'),
  ),
  exclude: prepareInsert(
    dialect,
    'machine_exclusions',
    machineExclusionColumns,
    sql`on conflict (user_id, feature, resource_uri) do nothing`,
  ),
  readmit: prepare(
    dialect,
    'machines.readmit',
    { userId: 'text', feature: 'text', resourceUri: 'text' },
    (db, p) =>
      db
        .deleteFrom('machine_exclusions')
        .where('user_id', '=', p.userId)
        .where('feature', '=', p.feature)
        .where('resource_uri', '=', p.resourceUri),
  ),
})

const preparePolicies = (dialect: Dialect) => {
  const statements = preparePolicy(dialect)
  return (link: Link): Pick<MachineStore, 'exclude' | 'readmit' | 'policyOf'> => ({
    async exclude({ userId, feature, resourceUri, createdAt }: FeatureExclusion) {
      const row = { user_id: userId, feature, resource_uri: resourceUri, created_at: createdAt }
      return (await link.insertAll(statements.exclude, [row])) === 1
    },
    readmit: async (userId, feature, resourceUri) =>
      (await link.run(statements.readmit, { userId, feature, resourceUri })) === 1,
    async policyOf(feature): Promise<FeaturePolicy> {
      const grants = await link.all(statements.grants, { feature })
      const exclusions = await link.all(statements.exclusions, { feature })
      return {
        grants: grants.map((row) => ({
          uri: branded<AuthorizationUri>(row.uri),
          userId: branded<UserId>(row.user_id),
          scope: branded<Scope & string>(row.scope),
          organizationId: branded<OrganizationId>(row.organization_id),
        })),
        exclusions: exclusions.map((row) => ({
          userId: branded<UserId>(row.user_id),
          resourceUri: branded<ResourceUri>(row.resource_uri),
        })),
      }
    },
  })
}

const prepareGranted = (dialect: Dialect) => ({
  granted: prepare(
    dialect,
    'machines.granted',
    { questions, now: 'integer' },
    (_, p) => sql<{ readonly position: number }>`
      select question.position
      from ${p.questions} as question
      cross join machine_accounts as account
      cross join resources as resource
      cross join machine_grants as given
      where account.user_id = question.user_id and account.disabled_at is null
        and resource.uri = question.resource_uri
        and (resource.expires_at is null or resource.expires_at > ${p.now})
        and given.user_id = question.user_id and given.feature = question.feature
        and (given.scope = question.resource_uri
          or (given.scope = 'all' and resource.organization_id = account.organization_id))
        and ${isNotExcluded}`,
  ),
  agentsOf: prepare(
    dialect,
    'machines.agents-of',
    { resourceUri: 'text' },
    (_, p) => sql<{
      readonly user_id: string
      readonly uri: string
      readonly created_at: number
    }>`
      select account.user_id, given.uri, given.created_at
      from resources as resource
      cross join machine_grants as given
      cross join machine_accounts as account
      where resource.uri = ${p.resourceUri} and given.user_id = account.user_id
        and account.disabled_at is null
        and (given.scope = resource.uri
          or (given.scope = 'all' and resource.organization_id = account.organization_id))
        and ${isNotExcluded}
      order by given.created_at, given.uri`,
  ),
})

const prepareStatements = (dialect: Dialect) => ({
  all: prepare(dialect, 'machines.all', {}, (db) =>
    db.selectFrom('machine_accounts').selectAll().orderBy('name'),
  ),
  byName: prepare(dialect, 'machines.by-name', { name: 'text' }, (db, p) =>
    db.selectFrom('machine_accounts').selectAll().where('name', '=', p.name),
  ),
  among: prepare(dialect, 'machines.among', { ids: 'texts' }, (db, p) =>
    db.selectFrom('machine_accounts').select('user_id').where(p.ids.has('user_id')),
  ),
  insert: prepareInsert(dialect, 'machine_accounts', machineAccountColumns),
  disable: prepare(dialect, 'machines.disable', { userId: 'text', now: 'integer' }, (db, p) =>
    db
      .updateTable('machine_accounts')
      .set({ disabled_at: p.now })
      .where('user_id', '=', p.userId)
      .where('disabled_at', 'is', null),
  ),
  grants: prepare(dialect, 'machines.grants', {}, (db) =>
    db.selectFrom('machine_grants').selectAll().orderBy('created_at').orderBy('uri'),
  ),
  grant: prepareInsert(
    dialect,
    'machine_grants',
    machineGrantColumns,
    sql`on conflict (user_id, feature, scope) do nothing`,
  ),
  revoke: prepare(
    dialect,
    'machines.revoke',
    { userId: 'text', feature: 'text', scope: 'text' },
    (db, p) =>
      db
        .deleteFrom('machine_grants')
        .where('user_id', '=', p.userId)
        .where('feature', '=', p.feature)
        .where('scope', '=', p.scope),
  ),
})

const prepareCallers = (dialect: Dialect) => {
  const standing = prepareStanding(dialect)
  const { granted, agentsOf } = prepareGranted(dialect)
  return (link: Link): Pick<MachineStore, 'standing' | 'granted' | 'agentsOf'> => ({
    async standing(ids) {
      const rows = Map.groupBy(await link.all(standing, { ids }), (row) => row.user_id)
      return new Map([...rows].map(([id, own]) => [branded<UserId>(id), standingOf(own)]))
    },
    async granted(asked, now) {
      const rows = await link.all(granted, {
        questions: asked.map(({ userId, feature, resourceUri }) => ({
          user_id: userId,
          feature,
          resource_uri: resourceUri,
        })),
        now,
      })
      const found = new Set(rows.map((row) => row.position))
      return asked.map((_, index) => found.has(index))
    },
    async agentsOf(resourceUri) {
      const rows = Map.groupBy(await link.all(agentsOf, { resourceUri }), (row) => row.user_id)
      return [...rows.values()].flatMap(([first]) =>
        first === undefined
          ? []
          : [
              {
                grantUri: branded<AuthorizationUri>(first.uri),
                userId: branded<UserId>(first.user_id),
                createdAt: instant(first.created_at),
              },
            ],
      )
    },
  })
}

export const prepareMachines = (dialect: Dialect) => {
  const statements = prepareStatements(dialect)
  const callers = prepareCallers(dialect)
  const policies = preparePolicies(dialect)
  return (link: Link): MachineStore => ({
    ...callers(link),
    ...policies(link),
    all: async () => (await link.all(statements.all, {})).map(toAccount),
    async byName(name) {
      const [row] = await link.all(statements.byName, { name })
      return row === undefined ? undefined : toAccount(row)
    },
    async among(ids) {
      return new Set((await link.all(statements.among, { ids })).map((row) => row.user_id))
    },
    async insert({ userId, name, organizationId, createdAt, disabledAt }) {
      const row = {
        user_id: userId,
        name,
        organization_id: organizationId,
        created_at: createdAt,
        disabled_at: disabledAt ?? null,
      }
      await link.insertAll(statements.insert, [row])
    },
    async disable(userId, now) {
      await link.run(statements.disable, { userId, now })
    },
    grants: async () => (await link.all(statements.grants, {})).map(toGrant),
    async grant({ uri, userId, feature, scope, createdAt }) {
      const row = { uri, user_id: userId, feature, scope, created_at: createdAt }
      return (await link.insertAll(statements.grant, [row])) === 1
    },
    revoke: async (userId, feature, scope) =>
      (await link.run(statements.revoke, { userId, feature, scope })) === 1,
  })
}
