// Commands about the running index: how far it is, a room begun anew, a room left out and let in again.

import { type Command, Option } from 'commander'
import type { Done, ExitCode, WithConfig } from './cli.ts'
import { configOption, jsonOption } from './cli-options.ts'

export interface IndexRoomOptions extends WithConfig {
  /** By its resource, as given. */
  readonly room: string
}

export interface IndexingActions {
  indexStatus(options: WithConfig): Promise<ExitCode>
  indexRekey(options: IndexRoomOptions): Promise<ExitCode>
  indexRemoveRoom(options: IndexRoomOptions): Promise<ExitCode>
  indexAddRoom(options: IndexRoomOptions): Promise<ExitCode>
}

const roomOption = (): Option =>
  new Option('--room <uri>', 'the room, by its resource URI').makeOptionMandatory()

/** To the group `index`, which has other commands too. */
export const addIndexing = (index: Command, actions: IndexingActions, done: Done): void => {
  index
    .command('status')
    .description('print how far the index is: what was read, what waits, what is read beside it')
    .addOption(configOption())
    .addOption(jsonOption())
    .action(async (options: WithConfig) => done(await actions.indexStatus(options)))
  index
    .command('rekey')
    .description('give a room a new search key and index it anew; searching goes on meanwhile')
    .addOption(configOption())
    .addOption(roomOption())
    .action(async (options: IndexRoomOptions) => done(await actions.indexRekey(options)))
  index
    .command('remove-room')
    .description('leave a room for good: its search keys are destroyed, the cloud forgets it')
    .addOption(configOption())
    .addOption(roomOption())
    .action(async (options: IndexRoomOptions) => done(await actions.indexRemoveRoom(options)))
  index
    .command('add-room')
    .description('index a room again that was left out, with its history')
    .addOption(configOption())
    .addOption(roomOption())
    .action(async (options: IndexRoomOptions) => done(await actions.indexAddRoom(options)))
}
