// Is somebody authorised on a resource, directly or through resources authorised there (draft §4.4.2)?
// One query answers the direct case for all pairs; only the rest walk the graph, breadth first, each
// resource once, so that cycles end. Who is not found among MOST_VISITED resources is not authorised.

import { type Expression, type RawBuilder, type SqlBool, sql } from 'kysely'
import type { ResourceUri } from '../id.ts'
import type { ResourceAndAuthId } from '../kms/index.ts'
import type { Instant } from '../time.ts'
import { branded } from './mapping.ts'
import { type Dialect, type Link, prepare } from './statement.ts'

/** A bound on work, not on depth: no real room comes near it, and an attacker gains a refusal. */
const MOST_VISITED = 10_000

const pairColumns = { resource_uri: 'text', auth_id: 'text' } as const
const kinds = { pairs: pairColumns, now: 'integer' } as const

export const isLive = (table: string, now: Expression<number>): RawBuilder<SqlBool> => {
  const expiresAt = sql.ref(`${table}.expires_at`)
  return sql<SqlBool>`(${expiresAt} is null or ${expiresAt} > ${now})`
}

/** What a member let in counts while that member is there by name, and not by way of what they let in. */
export const counts = (table: string, now: Expression<number>): RawBuilder<SqlBool> => sql<SqlBool>`
  (${sql.ref(`${table}.is_brought`)} = 0 or exists (
    select 1 from authorizations as maker
    where maker.resource_uri = ${sql.ref(`${table}.resource_uri`)}
      and maker.auth_id = ${sql.ref(`${table}.created_by`)} and ${isLive('maker', now)}))`

// `cross join` throughout, because SQLite then keeps the order: the few pairs first, then by index.

const prepareDirect = (dialect: Dialect) =>
  prepare(
    dialect,
    'reach.direct',
    kinds,
    (_, p) => sql<{ readonly position: number }>`
      select pair.position
      from ${p.pairs} as pair
      cross join authorizations as allowed
      cross join resources as resource
      where allowed.resource_uri = pair.resource_uri and allowed.auth_id = pair.auth_id
        and resource.uri = pair.resource_uri and ${counts('allowed', p.now)}
        and ${isLive('allowed', p.now)} and ${isLive('resource', p.now)}`,
  )

interface Walked {
  readonly position: number
  /** Resources visited for the pair at this position. */
  readonly visited: number
  /** On how many of them its authId is authorised. */
  readonly found: number
}

const prepareWalk = (dialect: Dialect) =>
  prepare(
    dialect,
    'reach.walk',
    { ...kinds, limit: 'integer' },
    (_, p) => sql<Walked>`
      with recursive walk (position, auth_id, resource_uri) as (
        select pair.position, pair.auth_id, pair.resource_uri
        from ${p.pairs} as pair
        cross join resources as resource
        where resource.uri = pair.resource_uri and ${isLive('resource', p.now)}
        union
        select walk.position, walk.auth_id, allowed.auth_id
        from walk
        cross join authorizations as allowed
        cross join resources as resource
        where allowed.resource_uri = walk.resource_uri and allowed.kind = 'resource'
          and resource.uri = allowed.auth_id and ${counts('allowed', p.now)}
          and ${isLive('allowed', p.now)} and ${isLive('resource', p.now)}
      )
      select visited.position, count(*) as visited, count(allowed.uri) as found
      from (select position, auth_id, resource_uri from walk limit ${p.limit}) as visited
      left join authorizations as allowed
        on allowed.resource_uri = visited.resource_uri and allowed.auth_id = visited.auth_id
        and ${counts('allowed', p.now)} and ${isLive('allowed', p.now)}
      group by visited.position`,
  )

/** Answers for each pair whether it reaches, in order. */
export const prepareReach = (dialect: Dialect) => {
  const direct = prepareDirect(dialect)
  const walk = prepareWalk(dialect)

  const walkAll = async (
    link: Link,
    pairs: readonly ResourceAndAuthId[],
    now: Instant,
  ): Promise<readonly boolean[]> => {
    const rows = await link.all(walk, { pairs: pairs.map(toRow), now, limit: MOST_VISITED })
    const visited = rows.reduce((sum, row) => sum + row.visited, 0)
    if (visited < MOST_VISITED || pairs.length === 1) {
      const found = new Set(rows.filter((row) => row.found > 0).map((row) => row.position))
      return pairs.map((_, index) => found.has(index))
    }
    // One monstrous graph must not spend the bound of the others that happen to share its group.
    const alone: boolean[] = []
    for (const pair of pairs) alone.push((await walkAll(link, [pair], now))[0] === true)
    return alone
  }

  return async (
    link: Link,
    pairs: readonly ResourceAndAuthId[],
    now: Instant,
  ): Promise<readonly boolean[]> => {
    const rows = await link.all(direct, { pairs: pairs.map(toRow), now })
    const found = new Set(rows.map((row) => row.position))
    const missed = pairs.filter((_, index) => !found.has(index))
    if (missed.length === 0) return pairs.map(() => true)
    const walked = await walkAll(link, missed, now)
    let next = 0
    return pairs.map((_, index) => found.has(index) || walked[next++] === true)
  }
}

/** Resources of other homes at the ends of the walk: only their homes know who is authorised there. */
export const prepareForeignWays = (dialect: Dialect) => {
  const statement = prepare(
    dialect,
    'reach.foreign-ways',
    { ...kinds, limit: 'integer', from: 'text', before: 'text' },
    (_, p) => sql<{ readonly position: number; readonly auth_id: string }>`
      with recursive walk (position, resource_uri) as (
        select pair.position, pair.resource_uri
        from ${p.pairs} as pair
        cross join resources as resource
        where resource.uri = pair.resource_uri and ${isLive('resource', p.now)}
        union
        select walk.position, allowed.auth_id
        from walk
        cross join authorizations as allowed
        cross join resources as resource
        where allowed.resource_uri = walk.resource_uri and allowed.kind = 'resource'
          and resource.uri = allowed.auth_id and ${counts('allowed', p.now)}
          and ${isLive('allowed', p.now)} and ${isLive('resource', p.now)}
      )
      select distinct visited.position, allowed.auth_id
      from (select position, resource_uri from walk limit ${p.limit}) as visited
      cross join authorizations as allowed
      where allowed.resource_uri = visited.resource_uri and allowed.kind = 'resource'
        and not (allowed.auth_id >= ${p.from} and allowed.auth_id < ${p.before})
        and ${counts('allowed', p.now)} and ${isLive('allowed', p.now)}
      order by visited.position, allowed.auth_id`,
  )
  return async (
    link: Link,
    uris: readonly ResourceUri[],
    home: string,
    now: Instant,
  ): Promise<readonly (readonly ResourceUri[])[]> => {
    const pairs = uris.map((resource_uri) => ({ resource_uri, auth_id: '' }))
    // `0` follows `/`: between the two is everything that begins with our home.
    const own = { from: `${home}/`, before: `${home}0` }
    const rows = await link.all(statement, { pairs, now, limit: MOST_VISITED, ...own })
    const ways = Map.groupBy(rows, ({ position }) => position)
    return uris.map((_, index) =>
      (ways.get(index) ?? []).map((row) => branded<ResourceUri>(row.auth_id)),
    )
  }
}

/** The other direction: resources, and those in which they are authorised, however deep; bounded like the walk. */
export const prepareContaining = (dialect: Dialect) => {
  const statement = prepare(
    dialect,
    'reach.containing',
    { uris: 'texts', now: 'integer', limit: 'integer' },
    (_, p) => sql<{ readonly resource_uri: string }>`
      with recursive walk (resource_uri) as (
        select resources.uri from resources where ${p.uris.has('resources.uri')}
        union
        select allowed.resource_uri
        from walk
        cross join authorizations as allowed
        where allowed.auth_id = walk.resource_uri and ${isLive('allowed', p.now)}
      )
      select resource_uri from walk limit ${p.limit}`,
  )
  return async (
    link: Link,
    uris: readonly ResourceUri[],
    now: Instant,
  ): Promise<readonly ResourceUri[]> => {
    const rows = await link.all(statement, { uris, now, limit: MOST_VISITED })
    return rows.map((row) => branded<ResourceUri>(row.resource_uri))
  }
}

const toRow = ({ resourceUri, authId }: ResourceAndAuthId) => ({
  resource_uri: resourceUri,
  auth_id: authId,
})
