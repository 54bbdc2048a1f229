// Shell completion for bash, zsh and fish: the words of the commands and their options, and files elsewhere.

import { type CommandNode, leavesOf, longOf } from './command-tree.ts'

/** After which words comes what: `audit` → its commands; `audit verify` → its options. */
const nextWords = (tree: CommandNode): ReadonlyMap<string, readonly string[]> => {
  const next = new Map<string, readonly string[]>()
  const visit = (node: CommandNode, words: readonly string[]): void => {
    const options = node.options.map(({ flags }) => longOf(flags))
    next.set(words.join(' '), [...node.children.map(({ name }) => name), ...options])
    for (const child of node.children) visit(child, [...words, child.name])
  }
  visit(tree, [])
  next.set('core', ['--config', '--help'])
  next.set('', [...(next.get('') ?? []), 'core'])
  return next
}

const cases = (tree: CommandNode): string =>
  [...nextWords(tree)]
    .map(([words, next]) => `    '${words}') found='${next.join(' ')}' ;;`)
    .join('\n')

const WORDS_SO_FAR = `  local words_so_far='' word found=''
  for word in "\${before[@]}"; do
    case "$word" in
      -*) break ;;
      *) words_so_far="\${words_so_far:+$words_so_far }$word" ;;
    esac
  done`

export const bashCompletion = (tree: CommandNode): string => `# bash completion for keyrealm
_keyrealm() {
  local before=("\${COMP_WORDS[@]:1:COMP_CWORD-1}")
${WORDS_SO_FAR}
  case "$words_so_far" in
${cases(tree)}
  esac
  COMPREPLY=($(compgen -W "$found" -- "\${COMP_WORDS[COMP_CWORD]}"))
}
complete -o default -F _keyrealm keyrealm
`

export const zshCompletion = (tree: CommandNode): string => `#compdef keyrealm
_keyrealm() {
  local -a before
  before=("\${(@)words[2,CURRENT-1]}")
${WORDS_SO_FAR}
  case "$words_so_far" in
${cases(tree)}
  esac
  compadd -- \${=found}
  _files
}
_keyrealm "$@"
`

const quoted = (words: string): string => `'${words.replaceAll("'", "\\'")}'`

const fishTop = ({ children }: CommandNode): readonly string[] =>
  children.map(
    ({ name, description }) =>
      `complete -c keyrealm -n __fish_use_subcommand -f -a ${name} -d ${quoted(description)}`,
  )

const fishOptions = (tree: CommandNode): readonly string[] =>
  leavesOf(tree).flatMap(({ words, node }) =>
    node.options.map(({ flags, description }) => {
      const seen = words.map((word) => `__fish_seen_subcommand_from ${word}`).join('; and ')
      return `complete -c keyrealm -n ${quoted(seen)} -l ${longOf(flags).slice(2)} -d ${quoted(description)}`
    }),
  )

const fishGroups = ({ children }: CommandNode): readonly string[] =>
  children.flatMap((group) =>
    group.children.map(
      ({ name, description }) =>
        `complete -c keyrealm -n '__fish_seen_subcommand_from ${group.name}' -f -a ${name} -d ${quoted(description)}`,
    ),
  )

export const fishCompletion = (tree: CommandNode): string =>
  [
    '# fish completion for keyrealm',
    ...fishTop(tree),
    'complete -c keyrealm -n __fish_use_subcommand -f -a core',
    ...fishGroups(tree),
    ...fishOptions(tree),
    '',
  ].join('\n')
