// The commands of `keyrealm` as data, read from the program itself: the manual page and the completions are made of
// it, so they cannot lag behind.

import type { Command } from 'commander'
import { buildProgram } from '../../src/admin/index.ts'
import { createCommands } from '../../src/main/commands.ts'

export interface CommandNode {
  readonly name: string
  readonly description: string
  readonly options: readonly { readonly flags: string; readonly description: string }[]
  readonly children: readonly CommandNode[]
}

const nodeOf = (command: Command): CommandNode => ({
  name: command.name(),
  description: command.description(),
  options: command.options
    .filter(({ hidden }) => !hidden)
    .map(({ flags, description }) => ({ flags, description })),
  children: command.commands.map(nodeOf),
})

/** No command is run: the program is only asked what it has. */
export const commandTree = (version: string): CommandNode => {
  const silent = { out: () => undefined, error: () => undefined }
  return nodeOf(buildProgram(createCommands(silent), { version }, () => undefined))
}

/** Every command that does something, with its words: `audit verify`. */
export const leavesOf = (
  node: CommandNode,
  words: readonly string[] = [],
): readonly { readonly words: readonly string[]; readonly node: CommandNode }[] =>
  node.children.flatMap((child) => {
    const path = [...words, child.name]
    return child.children.length === 0 ? [{ words: path, node: child }] : leavesOf(child, path)
  })

/** The long form of an option: `--config`. */
export const longOf = (flags: string): string => /--[a-z-]+/.exec(flags)?.[0] ?? flags
