// Commands about other realms: with whom this one works, whose users are whose, and what is owed.

import type { Command } from 'commander'
import type { Done, ExitCode, WithConfig } from './cli.ts'
import { configOption, jsonOption } from './cli-options.ts'

export interface PeerOptions extends WithConfig {
  /** As given; whoever runs the command parses it. */
  readonly domain: string
}

export interface PeerPinOptions extends PeerOptions {
  readonly user: string
}

export type PeerReceiptsOptions = PeerOptions

export interface PeerReconcileOptions extends PeerReceiptsOptions {
  /** Folder with an export of the other realm's log. */
  readonly theirs: string
}

export interface PeerActions {
  peersList(options: WithConfig): Promise<ExitCode>
  peersShow(options: PeerOptions): Promise<ExitCode>
  peersBlock(options: PeerOptions): Promise<ExitCode>
  peersUnblock(options: PeerOptions): Promise<ExitCode>
  peersWriteOff(options: PeerOptions): Promise<ExitCode>
  peersPin(options: PeerPinOptions): Promise<ExitCode>
  peersMovePin(options: PeerPinOptions): Promise<ExitCode>
  peersCheck(options: PeerReceiptsOptions): Promise<ExitCode>
  peersReceipts(options: PeerReceiptsOptions): Promise<ExitCode>
  peersReconcile(options: PeerReconcileOptions): Promise<ExitCode>
}

type OfDomain = 'peersShow' | 'peersBlock' | 'peersUnblock' | 'peersWriteOff'
type OfUser = 'peersPin' | 'peersMovePin'

export const addPeers = (program: Command, actions: PeerActions, done: Done): void => {
  const peers = program.command('peers').description('other realms that share rooms with this one')
  const ofDomain = (name: string, action: OfDomain, description: string) =>
    peers
      .command(name)
      .argument('<domain>', 'the domain of the KMS of the other organisation')
      .description(description)
      .addOption(configOption())
      .action(async (domain: string, options: WithConfig) =>
        done(await actions[action]({ ...options, domain })),
      )
  const ofUser = (name: string, action: OfUser, description: string) =>
    peers
      .command(name)
      .argument('<domain>', 'the domain of the KMS of the other organisation')
      .description(description)
      .requiredOption('--user <id>', 'the user id')
      .addOption(configOption())
      .action(async (domain: string, options: WithConfig & { readonly user: string }) =>
        done(await actions[action]({ ...options, domain })),
      )
  peers
    .command('list')
    .description(
      'print peers: domain, state, since when, users, copies they hold, withdrawals owed',
    )
    .addOption(configOption())
    .addOption(jsonOption())
    .action(async (options: WithConfig) => done(await actions.peersList(options)))
  ofDomain(
    'show',
    'peersShow',
    'print the anchors that hold for a peer, its users, conflicts about them, what it is owed and since when',
  ).addOption(jsonOption())
  ofDomain('block', 'peersBlock', 'neither ask nor answer it, from the next request on')
  ofDomain('unblock', 'peersUnblock', 'work with it again')
  ofDomain(
    'write-off',
    'peersWriteOff',
    'ask a peer no longer to let go of what it was to let go of a day ago: it is never coming back',
  )
  ofUser('pin', 'peersPin', 'say or confirm that a user is one of that peer’s')
  peers
    .command('check')
    .argument('<domain>', 'the domain of the KMS of the other organisation')
    .description('a dry run against another realm, before any room is shared: what is to be fixed')
    .option('--json', 'for programs')
    .addOption(configOption())
    .action(async (domain: string, options: Omit<PeerReceiptsOptions, 'domain'>) =>
      done(await actions.peersCheck({ ...options, domain })),
    )
  ofUser('move-pin', 'peersMovePin', 'the same, of a user who was known as one of another peer’s')
  addStatements(peers, actions, done)
}

const addStatements = (peers: Command, actions: PeerActions, done: Done): void => {
  peers
    .command('receipts')
    .argument('<domain>', 'the domain of the KMS of the other organisation')
    .description('print what a peer has signed for: keys it gave, uses of ours, withdrawals')
    .option('--json', 'one signed statement a line, with the keys that verify it')
    .addOption(configOption())
    .action(async (domain: string, options: Omit<PeerReceiptsOptions, 'domain'>) =>
      done(await actions.peersReceipts({ ...options, domain })),
    )
  peers
    .command('reconcile')
    .argument('<domain>', 'the domain of the KMS of the other organisation')
    .description('lay both logs side by side: print each key of which they say different things')
    .requiredOption('--theirs <folder>', 'an export of the other realm’s log')
    .option('--json', 'one difference a line')
    .addOption(configOption())
    .action(async (domain: string, options: Omit<PeerReconcileOptions, 'domain'>) =>
      done(await actions.peersReconcile({ ...options, domain })),
    )
}
