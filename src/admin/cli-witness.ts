// The commands about witnesses of the audit log, in both directions.

import type { Command } from 'commander'
import type { Done, ExitCode, WithConfig } from './cli.ts'
import { configOption, jsonOption } from './cli-options.ts'

export interface AuditSeenOptions extends WithConfig {
  /** Of which log to print the checkpoint; without it all logs are listed. */
  readonly origin?: string
}

export interface WitnessActions {
  auditWitnesses(options: WithConfig): Promise<ExitCode>
  auditWitnessKey(options: WithConfig): Promise<ExitCode>
  auditSeen(options: AuditSeenOptions): Promise<ExitCode>
}

export const addWitnesses = (audit: Command, actions: WitnessActions, done: Done): void => {
  audit
    .command('witnesses')
    .description('who co-signs the log, up to where, and who does not; 1 if too few did lately')
    .addOption(configOption())
    .addOption(jsonOption())
    .action(async (options: WithConfig) => done(await actions.auditWitnesses(options)))
  audit
    .command('witness-key')
    .description('print the keys with which this realm co-signs logs of others')
    .addOption(configOption())
    .addOption(jsonOption())
    .action(async (options: WithConfig) => done(await actions.auditWitnessKey(options)))
  audit
    .command('seen')
    .description('list the logs that this realm co-signs, or print the checkpoint seen of one')
    .addOption(configOption())
    .option('--origin <origin>', 'which log')
    .addOption(jsonOption())
    .action(async (options: AuditSeenOptions) => done(await actions.auditSeen(options)))
}
