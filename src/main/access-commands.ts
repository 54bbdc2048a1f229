// Commands about who reaches keys. They work on the database beside a running server, whose next request
// sees what they did; nothing here needs the main key.

import type { AccessActions, CliOutput, MachineFeatureOptions } from '../admin/index.ts'
import { systemRandom } from '../crypto/index.ts'
import { parseOrganizationId, parseUserId, type UserId } from '../id.ts'
import {
  addMachine,
  disableMachine,
  FEATURES,
  type Feature,
  type GrantChange,
  grantFeature,
  isProven,
  type MachineAccount,
  type OffBoardingReport,
  offBoard,
  reportOffBoarding,
  revokeFeature,
  type Transaction,
  withdrawBearer,
} from '../kms/index.ts'
import { parseTarget, urisOf } from '../protocol/index.ts'
import { isRefusal } from '../refusal.ts'
import { after, before, type Instant, seconds, toRfc3339 } from '../time.ts'
import type { Realm } from './assembly.ts'
import { beside, besideAsFound, DONE, FAILED, listing, printRows, type Row } from './beside.ts'
import { CommandError } from './command-error.ts'
import { recordNaming } from './reading.ts'

const ROOMS_LISTED = 1000
/** A cloud sends its rosters far more often. */
const COMPARED_WITHIN = seconds(25 * 3600)
const MACHINE_NAME = /^[a-z0-9][a-z0-9._-]{0,63}$/

const timeOr = (moment: Instant | undefined): string =>
  moment === undefined ? '-' : toRfc3339(moment)

const userIdOf = (raw: string): UserId => {
  const userId = parseUserId(raw)
  if (userId === undefined) throw new CommandError('main.invalid-user', 'a user id is a UUID')
  return userId
}

const roomRows = (realm: Realm): Promise<readonly Row[]> =>
  realm.store.read(async (tx) => {
    const rooms = await tx.resources.newest(ROOMS_LISTED)
    const people = await tx.people.find(rooms.map(({ resource }) => resource.createdBy))
    return rooms.map(({ resource, authorizations, keys }) => [
      resource.uri,
      people.get(resource.createdBy)?.pseudonym ?? '-',
      authorizations,
      keys,
      timeOr(resource.staleSince),
    ])
  })

const staleRows = (realm: Realm): Promise<readonly Row[]> =>
  realm.store.read(async (tx) =>
    (await tx.resources.stale(ROOMS_LISTED)).map(({ uri, staleSince }) => [
      uri,
      timeOr(staleSince),
    ]),
  )

/** Nothing to print is good news only if the cloud has told us its rosters, lately, and all of them. */
const checkRooms = async (realm: Realm, output: CliOutput, json?: true): Promise<number> => {
  const { check, rows, isShared } = await realm.store.read(async (tx) => {
    const drifts = await tx.rosters.drifts()
    const ids = drifts.flatMap(({ subject }) => parseUserId(subject) ?? [])
    const people = await tx.people.find(ids)
    const now = realm.now()
    const page = { after: '', settled: after(now, COMPARED_WITHIN), now, limit: 1 }
    return {
      check: await tx.rosters.lastCheck(),
      isShared: (await tx.rosters.shared(page)).length > 0,
      rows: drifts.map(({ resourceUri, side, subject, since }): Row => {
        const userId = parseUserId(subject)
        const person = userId === undefined ? undefined : people.get(userId)
        return [resourceUri, side, person?.pseudonym ?? subject, toRfc3339(since)]
      }),
    }
  })
  printRows(rows, output, json)
  if (check === undefined) {
    throw new CommandError('main.never-compared', 'the cloud has not sent its rosters yet')
  }
  printRows([['compared', check.rooms, toRfc3339(check.checkedAt)]], output, json)
  if (check.checkedAt < before(realm.now(), COMPARED_WITHIN)) {
    throw new CommandError('main.compared-long-ago', 'the cloud has not sent all its rosters since')
  }
  if (check.rooms === 0 && isShared) {
    throw new CommandError('main.nothing-compared', 'the cloud named no room, and there are some')
  }
  return rows.length === 0 ? DONE : FAILED
}

const reportRows = (report: OffBoardingReport): readonly Row[] => {
  const { offBoarding, readTo, publishedTo, brokenAt } = report
  const log = brokenAt === undefined ? 'intact' : `broken at ${brokenAt}`
  return [
    ['user', offBoarding.userId],
    ['pseudonym', report.pseudonym],
    ['off-boarded', toRfc3339(offBoarding.offBoardedAt), `entry ${offBoarding.sequence}`],
    ['entry found', report.isRecorded ? 'yes' : 'no'],
    ['log', log, `read from entry ${offBoarding.sequence} to ${readTo}`],
    ['published', `to entry ${publishedTo}`],
    ['rooms left', report.rooms],
    ['removal finished', timeOr(offBoarding.finishedAt)],
    ['acknowledged by the cloud', timeOr(offBoarding.acknowledgedAt)],
    ['keys released since', report.releases.length, ...report.releases],
    ['anything done since', report.deeds.length, ...report.deeds],
    ['requests refused since', report.refusals],
    ['proven', isProven(report) ? 'yes' : 'no'],
  ]
}

const printReport = async (
  realm: Realm,
  userId: UserId,
  output: CliOutput,
  json?: true,
): Promise<number> => {
  const report = await reportOffBoarding(realm.store, userId)
  if (report === undefined) {
    throw new CommandError(
      'main.not-off-boarded',
      'this person was not off-boarded, or has been erased since: nothing tells which',
    )
  }
  await recordNaming(realm.ledger, 1)
  printRows(reportRows(report), output, json)
  return isProven(report) ? DONE : FAILED
}

const refuseMachine = (tx: Transaction, userId: UserId): Promise<void> =>
  tx.machines.among([userId]).then((machines) => {
    if (machines.size === 0) return
    throw new CommandError('main.is-a-machine', 'this is a machine account: disable it')
  })

const machineNamed = async (realm: Realm, name: string): Promise<MachineAccount> => {
  const account = await realm.store.read((tx) => tx.machines.byName(name))
  if (account !== undefined) return account
  throw new CommandError('main.unknown-machine', `there is no machine account ${name}`)
}

const isFeature = (raw: string): raw is Feature => FEATURES.some((feature) => feature === raw)

const changeOf = (realm: Realm, options: MachineFeatureOptions): GrantChange => {
  const { feature, room, all } = options
  if (!isFeature(feature)) {
    throw new CommandError('main.unknown-feature', `the features are ${FEATURES.join(', ')}`)
  }
  if (all === true) return { feature, scope: 'all' }
  const target = room === undefined ? undefined : parseTarget(room, urisOf(realm.kms.domain))
  if (target === undefined || isRefusal(target) || target.kind !== 'resource') {
    throw new CommandError('main.no-scope', 'name one --room by its resource URI, or --all')
  }
  return { feature, scope: target.uri }
}

const newMachine = (realm: Realm, name: string, organization: string, subject?: string) => {
  if (!MACHINE_NAME.test(name)) {
    throw new CommandError('main.invalid-name', 'a name is of a-z, 0-9, dot, dash and underscore')
  }
  const organizationId = parseOrganizationId(organization)
  if (organizationId === undefined || !realm.kms.organizations.includes(organizationId)) {
    throw new CommandError('main.organization-not-served', 'this realm does not serve it')
  }
  return { name, organizationId, userId: userIdOf(subject ?? systemRandom.uuid()) }
}

const machineRows = (realm: Realm): Promise<readonly Row[]> =>
  realm.store.read(async (tx) => {
    const accounts = await tx.machines.all()
    const people = await tx.people.find(accounts.map(({ userId }) => userId))
    return accounts.map(({ name, userId, organizationId, disabledAt }) => [
      name,
      userId,
      organizationId,
      people.get(userId)?.pseudonym ?? '-',
      disabledAt === undefined ? 'enabled' : `disabled ${toRfc3339(disabledAt)}`,
    ])
  })

const BEARERS_READ = 1000

/** All of them: half a list looks like a whole one. Never the bearer itself. */
const bearerRows = async (tx: Transaction, now: Instant): Promise<readonly Row[]> => {
  const rows: Row[] = []
  for (let after = ''; ; ) {
    const page = await tx.authorizations.anonymous({ after, now, limit: BEARERS_READ })
    const people = await tx.people.find(page.map(({ createdBy }) => createdBy))
    for (const { uri, resourceUri, createdBy, expiresAt } of page) {
      const maker = people.get(createdBy)?.pseudonym ?? '-'
      rows.push(['bearer', uri, resourceUri, maker, timeOr(expiresAt)])
    }
    after = page.at(-1)?.uri ?? ''
    if (page.length < BEARERS_READ) return rows
  }
}

const accessRows = (realm: Realm): Promise<readonly Row[]> =>
  realm.store.read(async (tx) => {
    const accounts = new Map((await tx.machines.all()).map((one) => [one.userId, one]))
    const grants = (await tx.machines.grants()).flatMap(({ userId, feature, scope }): Row[] => {
      const account = accounts.get(userId)
      if (account === undefined || account.disabledAt !== undefined) return []
      const where = scope === 'all' ? `every room of ${account.organizationId}` : scope
      return [['machine', account.name, feature, where]]
    })
    const officers: Row = [
      'role',
      realm.kms.complianceRole,
      'read-keys',
      'as any person of the own organisation, in their rooms',
    ]
    return [...grants, ...(await bearerRows(tx, realm.now())), officers]
  })

const machineCommands = (
  output: CliOutput,
): Pick<AccessActions, 'machinesAdd' | 'machinesGrant' | 'machinesRevoke' | 'machinesDisable'> => ({
  machinesAdd: ({ config, name, organization, subject }) =>
    beside(config, async (realm) => {
      const machine = newMachine(realm, name, organization, subject)
      if (!(await addMachine(realm.ledger, systemRandom, machine))) {
        throw new CommandError('main.machine-exists', 'that name or subject is taken')
      }
      printRows([[machine.name, machine.userId]], output)
      return DONE
    }),
  machinesGrant: (options) =>
    beside(options.config, async (realm) => {
      const account = await machineNamed(realm, options.name)
      if (account.disabledAt !== undefined) {
        throw new CommandError('main.machine-disabled', `${account.name} is switched off`)
      }
      const means = { random: systemRandom, uris: urisOf(realm.kms.domain) }
      await grantFeature(realm.ledger, means, account, changeOf(realm, options))
      return DONE
    }),
  machinesRevoke: (options) =>
    beside(options.config, async (realm) => {
      const account = await machineNamed(realm, options.name)
      if (await revokeFeature(realm.ledger, account, changeOf(realm, options))) return DONE
      throw new CommandError('main.not-granted', 'that was not granted')
    }),
  machinesDisable: ({ config, name }) =>
    beside(config, async (realm) => {
      await disableMachine(realm.ledger, await machineNamed(realm, name))
      return DONE
    }),
})

export const createAccessCommands = (output: CliOutput): AccessActions => ({
  ...machineCommands(output),
  usersOffBoard: ({ config, id }) =>
    beside(config, async (realm) => {
      const userId = userIdOf(id)
      await realm.store.read((tx) => refuseMachine(tx, userId))
      await offBoard(realm.ledger, { random: systemRandom, uris: urisOf(realm.kms.domain) }, userId)
      return printReport(realm, userId, output)
    }),
  usersReport: ({ config, id, json }) =>
    besideAsFound(config, (realm) => printReport(realm, userIdOf(id), output, json)),
  roomsList: (options) => listing(options, output, roomRows),
  roomsStale: (options) => listing(options, output, staleRows),
  roomsCheck: ({ config, json }) =>
    besideAsFound(config, (realm) => checkRooms(realm, output, json)),
  machinesList: (options) => listing(options, output, machineRows),
  accessList: (options) => listing(options, output, accessRows),
  accessRevoke: ({ config, uri }) =>
    beside(config, async (realm) => {
      const target = parseTarget(uri, urisOf(realm.kms.domain))
      const isNamed = !isRefusal(target) && target.kind === 'authorization'
      if (isNamed && (await withdrawBearer(realm.ledger, target.uri))) return DONE
      throw new CommandError('main.unknown-bearer', 'name an anonymous authorization by its URI')
    }),
})
