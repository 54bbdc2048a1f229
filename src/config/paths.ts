// Which settings name files and folders, found by the declaration itself: a backup must take along every one of
// them, also those that are declared tomorrow, and a restored realm must find them where they were put.

import { settingsJsonSchema } from './describe.ts'

export interface NamedPath {
  /** Dotted, with numbers in lists: `identity.issuers.0.tlsCaFile`. */
  readonly setting: string
  /** As it stands in the file. */
  readonly path: string
  readonly role: PathRole
}

/**
 * `kept`: read by the appliance, so it belongs into a backup. `written`: made by the appliance. `apart`: the passphrase,
 * which must never lie beside what it opens.
 */
export type PathRole = 'kept' | 'written' | 'apart'

const ROLES: readonly (readonly [setting: RegExp, role: PathRole])[] = [
  [/^unlock\.passphrase\.file$/, 'apart'],
  [/^(?:realm\.stateDirectory|store\.file|log\.file|backup\.folder)$/, 'written'],
  [/^audit\.ship\.\d+\.file$/, 'written'],
]

const roleOf = (setting: string): PathRole =>
  ROLES.find(([pattern]) => pattern.test(setting))?.[1] ?? 'kept'

interface Node {
  readonly unit?: string
  readonly const?: unknown
  readonly properties?: Readonly<Record<string, Node>>
  readonly items?: Node
  readonly oneOf?: readonly Node[]
}

type Visit = (setting: string, path: string) => string
type Members = Readonly<Record<string, unknown>>

const isMembers = (raw: unknown): raw is Members =>
  typeof raw === 'object' && raw !== null && !Array.isArray(raw)

/** The declaration for this value: of one of several kinds, that of its kind. */
const declared = (node: Node, raw: unknown): Node => {
  if (node.oneOf === undefined || !isMembers(raw)) return node
  const kind = raw['kind']
  return node.oneOf.find((one) => one.properties?.['kind']?.const === kind) ?? node
}

const walk = (node: Node, raw: unknown, setting: string, visit: Visit): unknown => {
  const { unit, properties, items } = declared(node, raw)
  if (unit === 'path' && typeof raw === 'string') return visit(setting, raw)
  const below = (name: string | number) => (setting === '' ? `${name}` : `${setting}.${name}`)
  if (Array.isArray(raw)) {
    return raw.map((item, index) => walk(items ?? {}, item, below(index), visit))
  }
  if (!isMembers(raw)) return raw
  return Object.fromEntries(
    Object.entries(raw).map(([name, value]) => [
      name,
      walk(properties?.[name] ?? {}, value, below(name), visit),
    ]),
  )
}

/** A settings value with every path in it put through `visit`. */
export const mapPaths = (raw: unknown, visit: Visit): unknown =>
  // The generated schema is plain data that this file understands; nothing of it comes from outside.
  walk(settingsJsonSchema() as Node, raw, '', visit)

/** Every path that a settings value names. */
export const namedPaths = (raw: unknown): readonly NamedPath[] => {
  const found: NamedPath[] = []
  mapPaths(raw, (setting, path) => {
    found.push({ setting, path, role: roleOf(setting) })
    return path
  })
  return found
}
