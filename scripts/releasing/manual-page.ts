// keyrealm(8), made of the program's own help. man(7) macros, readable as it is.

import { type CommandNode, leavesOf } from './command-tree.ts'
import type { ReleaseFacts } from './shipped-tree.ts'

/** Backslashes and hyphens mean something to roff; so does a dot that begins a line. */
const roff = (text: string): string =>
  text
    .replaceAll('\\', '\\e')
    .replaceAll('-', '\\-')
    .replace(/^([.'])/, '\\&$1')

const commandLines = (tree: CommandNode): readonly string[] =>
  leavesOf(tree).flatMap(({ words, node }) => [
    '.TP',
    `.B keyrealm ${roff(words.join(' '))}`,
    roff(node.description),
    ...node.options.flatMap(({ flags, description }) => [
      '.RS',
      '.TP',
      `.B ${roff(flags)}`,
      roff(description),
      '.RE',
    ]),
  ])

export const manualPage = (
  tree: CommandNode,
  { version, committedAt }: Pick<ReleaseFacts, 'version' | 'committedAt'>,
): string =>
  [
    `.TH KEYREALM 8 ${new Date(committedAt * 1000).toISOString().slice(0, 10)} "Keyrealm ${version}"`,
    '.SH NAME',
    'keyrealm \\- an on\\-premises security realm',
    '.SH SYNOPSIS',
    '.B keyrealm',
    '.I command',
    '[options]',
    '.SH DESCRIPTION',
    roff(tree.description),
    '.SH COMMANDS',
    ...commandLines(tree),
    '.TP',
    '.B keyrealm core \\-\\-config \\fIfile\\fR',
    'Runs the reference cloud core, in a process of its own.',
    '.SH FILES',
    '.TP',
    '.I /etc/keyrealm/appliance.json',
    'Settings of the realm. A template is /usr/share/keyrealm/appliance.json.',
    '.TP',
    '.I /var/lib/keyrealm',
    'Everything that the realm writes: database, sealed main key, its admin token.',
    '.TP',
    '.I /usr/lib/keyrealm/release',
    'Manifest, signatures and release log of what is installed.',
    '.SH EXIT STATUS',
    '0 done, 1 refused or failed, 2 used wrongly, 3 not stopped cleanly, 70 fault.',
    '.SH SEE ALSO',
    'systemd.exec(5), /usr/share/doc/keyrealm/settings.md',
    '',
  ].join('\n')
