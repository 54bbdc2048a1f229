// Commands about who reaches keys: people who leave, rooms, machine accounts.

import { type Command, Option } from 'commander'
import type { Done, ExitCode, WithConfig } from './cli.ts'
import { configOption, jsonOption } from './cli-options.ts'

export interface PersonOptions extends WithConfig {
  /** As given; whoever runs the command parses it. */
  readonly id: string
}

export interface MachinesAddOptions extends WithConfig {
  readonly name: string
  readonly organization: string
  /** The `sub` of its tokens; a new one unless told. */
  readonly subject?: string
}

export interface MachineOptions extends WithConfig {
  readonly name: string
}

export interface MachineFeatureOptions extends MachineOptions {
  readonly feature: string
  /** A room by its resource; one of the two is there. */
  readonly room?: string
  readonly all?: true
}

export interface BearerOptions extends WithConfig {
  /** The URI of an anonymous authorization, as given. */
  readonly uri: string
}

export interface AccessActions {
  usersOffBoard(options: PersonOptions): Promise<ExitCode>
  usersReport(options: PersonOptions): Promise<ExitCode>
  roomsList(options: WithConfig): Promise<ExitCode>
  roomsStale(options: WithConfig): Promise<ExitCode>
  roomsCheck(options: WithConfig): Promise<ExitCode>
  machinesAdd(options: MachinesAddOptions): Promise<ExitCode>
  machinesList(options: WithConfig): Promise<ExitCode>
  machinesGrant(options: MachineFeatureOptions): Promise<ExitCode>
  machinesRevoke(options: MachineFeatureOptions): Promise<ExitCode>
  machinesDisable(options: MachineOptions): Promise<ExitCode>
  accessList(options: WithConfig): Promise<ExitCode>
  accessRevoke(options: BearerOptions): Promise<ExitCode>
}

/** To the group `users`, which has other commands too. */
export const addLeaving = (users: Command, actions: AccessActions, done: Done): void => {
  users
    .command('off-board')
    .argument('<id>', 'the user id')
    .description('take somebody out of every room for good, and print the proof')
    .addOption(configOption())
    .action(async (id: string, options: WithConfig) =>
      done(await actions.usersOffBoard({ ...options, id })),
    )
  users
    .command('report')
    .argument('<id>', 'the user id')
    .description('say from the audit log what somebody who left has got since; 1 if anything')
    .addOption(configOption())
    .addOption(jsonOption())
    .action(async (id: string, options: WithConfig) =>
      done(await actions.usersReport({ ...options, id })),
    )
}

export const addRooms = (program: Command, actions: AccessActions, done: Done): void => {
  const rooms = program.command('rooms').description('resources: who shares which keys')
  rooms
    .command('list')
    .description('print resources: URI, creator (pseudonym), authorizations, keys, stale since')
    .addOption(configOption())
    .addOption(jsonOption())
    .action(async (options: WithConfig) => done(await actions.roomsList(options)))
  rooms
    .command('stale')
    .description('print resources whose newest key is held by somebody who may read no more')
    .addOption(configOption())
    .addOption(jsonOption())
    .action(async (options: WithConfig) => done(await actions.roomsStale(options)))
  rooms
    .command('check')
    .description('print where the rosters of the cloud and the authorizations differ; 1 if they do')
    .addOption(configOption())
    .addOption(jsonOption())
    .action(async (options: WithConfig) => done(await actions.roomsCheck(options)))
}

const featureOptions = (command: Command): Command =>
  command
    .addOption(configOption())
    .requiredOption('--name <name>', 'the machine account')
    .requiredOption('--feature <feature>', 'read-keys, read-rosters, authorize or bind-keys')
    .addOption(new Option('--room <uri>', 'in this room').conflicts('all'))
    .addOption(new Option('--all', 'in every room of its organisation').conflicts('room'))

export const addMachines = (program: Command, actions: AccessActions, done: Done): void => {
  const machines = program.command('machines').description('accounts of programs that reach keys')
  machines
    .command('add')
    .description('register a machine account; it may do nothing until it is granted')
    .addOption(configOption())
    .requiredOption('--name <name>', 'how it is called here')
    .requiredOption('--organization <id>', 'the organisation it belongs to')
    .option('--subject <id>', 'the subject (sub) of its access tokens, a UUID')
    .action(async (options: MachinesAddOptions) => done(await actions.machinesAdd(options)))
  machines
    .command('list')
    .description('print machine accounts: name, subject, organisation, pseudonym, state')
    .addOption(configOption())
    .addOption(jsonOption())
    .action(async (options: WithConfig) => done(await actions.machinesList(options)))
  featureOptions(machines.command('grant'))
    .description('let it do something, in one room or in all')
    .action(async (options: MachineFeatureOptions) => done(await actions.machinesGrant(options)))
  featureOptions(machines.command('revoke'))
    .description('take back what was granted; its next request is refused')
    .action(async (options: MachineFeatureOptions) => done(await actions.machinesRevoke(options)))
  machines
    .command('disable')
    .description('switch a machine account off for good; its next request is refused')
    .addOption(configOption())
    .requiredOption('--name <name>', 'the machine account')
    .action(async (options: MachineOptions) => done(await actions.machinesDisable(options)))
}

export const addAccess = (program: Command, actions: AccessActions, done: Done): void => {
  const access = program
    .command('access')
    .description('what reaches keys besides the people in a room')
  access
    .command('list')
    .description(
      'print grants of machine accounts, anonymous bearers (URI, room, pseudonym of the maker, expiry), and the role of compliance officers',
    )
    .addOption(configOption())
    .addOption(jsonOption())
    .action(async (options: WithConfig) => done(await actions.accessList(options)))
  access
    .command('revoke')
    .argument('<uri>', 'the URI of an anonymous authorization')
    .description('switch an anonymous bearer off for good; its next request is refused')
    .addOption(configOption())
    .action(async (uri: string, options: WithConfig) =>
      done(await actions.accessRevoke({ ...options, uri })),
    )
}
