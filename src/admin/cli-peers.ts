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

export interface PeerActions {
  peersList(options: WithConfig): Promise<ExitCode>
  peersShow(options: PeerOptions): Promise<ExitCode>
  peersBlock(options: PeerOptions): Promise<ExitCode>
  peersUnblock(options: PeerOptions): Promise<ExitCode>
  peersPin(options: PeerPinOptions): Promise<ExitCode>
  peersMovePin(options: PeerPinOptions): Promise<ExitCode>
}

type OfDomain = 'peersShow' | 'peersBlock' | 'peersUnblock'
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
    'print the users of a peer, conflicts about them, what it is owed',
  ).addOption(jsonOption())
  ofDomain('block', 'peersBlock', 'neither ask nor answer it, from the next request on')
  ofDomain('unblock', 'peersUnblock', 'work with it again')
  ofUser('pin', 'peersPin', 'say or confirm that a user is one of that peer’s')
  ofUser('move-pin', 'peersMovePin', 'the same, of a user who was known as one of another peer’s')
}
