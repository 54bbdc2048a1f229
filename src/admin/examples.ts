// An example for each command, shown at the end of its help. A test runs every one of them through the parser, and
// finds none missing.

import type { Command } from 'commander'

/** Without `keyrealm`; by the words of the command. The settings file is named by KEYREALM_CONFIG here. */
const EXAMPLES: Readonly<Record<string, readonly string[]>> = {
  serve: ['serve --config /etc/keyrealm/appliance.json'],
  init: [
    'init --config /etc/keyrealm/appliance.json',
    'init --config /etc/keyrealm/appliance.json --answers answers.json',
    'init --continue --chain signed.pem',
  ],
  preflight: ['preflight', 'preflight --json'],
  status: ['status --json'],
  lock: ['lock'],
  unlock: ['unlock --passphrase-file /run/passphrase'],
  version: ['version'],
  'config check': ['config check'],
  'config schema': ['config schema'],
  'identity import': ['identity import --key id.key --chain id.pem'],
  'identity list': ['identity list'],
  'users import': ['users import --file people.json'],
  'users list': ['users list --json'],
  'users off-board': ['users off-board 0b8f6a3e-51c7-4d92-a6be-3f7d20c9e114'],
  'users report': ['users report 0b8f6a3e-51c7-4d92-a6be-3f7d20c9e114 --json'],
  'recovery-key': ['recovery-key --out /media/safe/recovery.key'],
  backup: ['backup', 'backup --out /media/backup/today.age --recipient age1…'],
  restore: [
    'restore today.age --recovery-key recovery.key --realm kms.acme.example --to /var/lib/keyrealm/restored',
  ],
  'rehearse-restore': [
    'rehearse-restore today.age --recovery-key recovery.key --sandbox /var/tmp/rehearsal',
  ],
  upgrade: ['upgrade', 'upgrade --out /media/backup/before.age --recipient age1…'],
  'rooms list': ['rooms list --json'],
  'rooms stale': ['rooms stale'],
  'rooms check': ['rooms check'],
  'machines add': [
    'machines add --name archive --organization 6f1c1d0e-3a52-4c6e-9a3b-1f2d3c4b5a69',
  ],
  'machines list': ['machines list'],
  'machines grant': ['machines grant --name archive --feature read-keys --all'],
  'machines revoke': ['machines revoke --name archive --feature read-keys --all'],
  'machines disable': ['machines disable --name archive'],
  'peers list': ['peers list'],
  'peers show': ['peers show kms.globex.example'],
  'peers block': ['peers block kms.globex.example'],
  'peers unblock': ['peers unblock kms.globex.example'],
  'peers write-off': ['peers write-off kms.globex.example'],
  'peers pin': ['peers pin kms.globex.example --user 0b8f6a3e-51c7-4d92-a6be-3f7d20c9e114'],
  'peers move-pin': [
    'peers move-pin kms.globex.example --user 0b8f6a3e-51c7-4d92-a6be-3f7d20c9e114',
  ],
  'peers check': ['peers check kms.globex.example'],
  'peers receipts': ['peers receipts kms.globex.example --json'],
  'peers reconcile': ['peers reconcile kms.globex.example --theirs their-log/'],
  'access list': ['access list'],
  'access revoke': [
    'access revoke kms://kms.acme.example/authorizations/0b8f6a3e-51c7-4d92-a6be-3f7d20c9e114',
  ],
  'audit show': ['audit show --after 1000 --limit 50'],
  'audit search': ['audit search --action key.released --outcome refused --json'],
  'audit key': ['audit key'],
  'audit rotate-key': ['audit rotate-key'],
  'audit export': ['audit export --to log/'],
  'audit prove': ['audit prove --sequence 7'],
  'audit consistency': ['audit consistency --from checkpoint-of-may'],
  'audit accept-restore': ['audit accept-restore'],
  'audit verify': ['audit verify log/ --key keys --since checkpoint-of-may --max-age 300'],
  'audit reconcile': ['audit reconcile --json'],
  'audit erase': ['audit erase 0b8f6a3e-51c7-4d92-a6be-3f7d20c9e114 --yes'],
  'audit witnesses': ['audit witnesses'],
  'audit witness-key': ['audit witness-key'],
  'audit seen': ['audit seen --origin kms.globex.example/log'],
  'audit ship-status': ['audit ship-status --json'],
  'index lab': ['index lab --messages chat.jsonl --out postings.jsonl'],
  'index leakage': ['index leakage --messages chat.jsonl --similar other.jsonl'],
  'index status': ['index status'],
  'index rekey': [
    'index rekey --room kms://kms.acme.example/resources/0b8f6a3e-51c7-4d92-a6be-3f7d20c9e114',
  ],
  'index remove-room': [
    'index remove-room --room kms://kms.acme.example/resources/0b8f6a3e-51c7-4d92-a6be-3f7d20c9e114',
  ],
  'index add-room': [
    'index add-room --room kms://kms.acme.example/resources/0b8f6a3e-51c7-4d92-a6be-3f7d20c9e114',
  ],
}

const wordsOf = (command: Command): string =>
  command.parent?.parent ? `${wordsOf(command.parent)} ${command.name()}` : command.name()

/** Of one command; empty if it has none. */
export const examplesOf = (command: Command): readonly string[] => EXAMPLES[wordsOf(command)] ?? []

/** Commands that do something: not groups of others. */
export const leavesOf = (command: Command): readonly Command[] =>
  command.commands.length === 0 ? [command] : command.commands.flatMap(leavesOf)

/** Puts its examples below the help of each command. */
export const addExamples = (program: Command): void => {
  for (const command of leavesOf(program)) {
    const lines = examplesOf(command).map((line) => `  keyrealm ${line}`)
    if (lines.length > 0) command.addHelpText('after', `\nExamples:\n${lines.join('\n')}`)
  }
}
