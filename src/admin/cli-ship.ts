// `keyrealm audit ship-status`: how far each destination of the audit log has got.

import type { Command } from 'commander'
import type { Done, ExitCode, StatusOptions } from './cli.ts'
import { configOption, jsonOption } from './cli-options.ts'

export interface ShipActions {
  /** 1 while an entry waits for longer than it may. */
  auditShipStatus(options: StatusOptions): Promise<ExitCode>
}

/** To the group `audit`. */
export const addShipStatus = (audit: Command, actions: ShipActions, done: Done): void => {
  audit
    .command('ship-status')
    .description('print how far shipping has got: cursor, lag, state, last error; 1 if alarmed')
    .addOption(configOption())
    .addOption(jsonOption())
    .action(async (options: StatusOptions) => done(await actions.auditShipStatus(options)))
}
