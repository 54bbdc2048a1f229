// Describes the settings to people and editors, from the one declaration: the JSON Schema in
// config/appliance.schema.json and the table in config/README.md. A test fails when they are stale.

import { z } from 'zod'
import { settingsSchema } from './schema.ts'

/** The JSON Schema (2020-12) of the settings file. */
export const settingsJsonSchema = (): Readonly<Record<string, unknown>> => ({
  title: 'Keyrealm appliance settings',
  ...z.toJSONSchema(settingsSchema('/'), { io: 'input' }),
})

/** What config/appliance.schema.json must hold. */
export const settingsSchemaText = (): string => `${JSON.stringify(settingsJsonSchema(), null, 2)}\n`

interface Node {
  readonly description?: string
  readonly unit?: string
  readonly type?: string
  readonly format?: string
  readonly default?: unknown
  readonly const?: unknown
  readonly enum?: readonly unknown[]
  readonly minimum?: number
  readonly maximum?: number
  readonly minLength?: number
  readonly minItems?: number
  readonly maxItems?: number
  readonly required?: readonly string[]
  readonly properties?: Readonly<Record<string, Node>>
  readonly items?: Node
  readonly anyOf?: readonly Node[]
  readonly oneOf?: readonly Node[]
}

/** One row of the settings table. */
export interface SettingRow {
  readonly path: string
  readonly meaning: string
  readonly range: string
  readonly unit: string
  /** JSON of the default, `required`, or `none` where leaving it out has a meaning of its own. */
  readonly byDefault: string
}

/** Every setting, in the order of its declaration. */
export const settingRows = (): readonly SettingRow[] => {
  // The generated schema is plain data that this file understands; nothing of it comes from outside.
  const root = settingsJsonSchema() as Node
  return Object.entries(root.properties ?? {}).flatMap(([name, node]) =>
    rowsOf(node, name, root.required?.includes(name) ?? false),
  )
}

const rowsOf = (node: Node, path: string, isRequired: boolean): SettingRow[] => {
  const inner = [
    ...Object.entries(node.properties ?? {}).flatMap(([name, child]) =>
      rowsOf(child, `${path}.${name}`, node.required?.includes(name) ?? false),
    ),
    ...(node.oneOf ?? []).flatMap((kind) => kindRows(kind, path)),
    ...itemRows(node.items, `${path}[]`),
  ]
  const isGroup = inner.length > 0
  if (isGroup && node.description === undefined) return inner
  return [rowOf(node, path, isRequired), ...inner]
}

const itemRows = (items: Node | undefined, path: string): SettingRow[] =>
  items?.properties === undefined && items?.oneOf === undefined ? [] : rowsOf(items, path, true)

/** Settings of one of several kinds carry the kind in their path: `store(sqlite).file`. */
const kindRows = (kind: Node, path: string): SettingRow[] =>
  rowsOf(kind, `${path}(${String(kind.properties?.['kind']?.const)})`, true)

const rowOf = (node: Node, path: string, isRequired: boolean): SettingRow => ({
  path,
  meaning: node.description ?? '',
  range: rangeOf(node),
  unit: node.unit ?? '',
  byDefault: defaultOf(node, isRequired),
})

const rangeOf = (node: Node): string => {
  if (node.const !== undefined) return `\`${String(node.const)}\``
  if (node.enum !== undefined) return node.enum.map((value) => `\`${String(value)}\``).join(', ')
  if (node.minimum !== undefined) return `${node.minimum} – ${node.maximum}`
  if (node.items !== undefined) return `${node.minItems ?? 0} – ${node.maxItems ?? '…'} entries`
  if (node.type === 'boolean') return '`true`, `false`'
  if (node.properties !== undefined || node.oneOf !== undefined) return 'object'
  return node.format ?? 'text'
}

const defaultOf = (node: Node, isRequired: boolean): string => {
  if (node.const !== undefined) return ''
  if (isRequired) return 'required'
  if (node.default === undefined) return 'none'
  return `\`${JSON.stringify(node.default)}\``
}

const TABLE_BEGIN = '<!-- settings table: generated, do not edit -->'
const TABLE_END = '<!-- end of settings table -->'

/** `readme` with a fresh settings table between its two markers. */
export const withSettingsTable = (readme: string): string => {
  const begin = readme.indexOf(TABLE_BEGIN)
  const end = readme.indexOf(TABLE_END)
  if (begin < 0 || end < begin) return readme
  return [readme.slice(0, begin), TABLE_BEGIN, '\n\n', tableText(), '\n', readme.slice(end)].join(
    '',
  )
}

const tableText = (): string => {
  const lines = settingRows().map(
    ({ path, meaning, range, unit, byDefault }) =>
      `| \`${path}\` | ${meaning} | ${range} | ${unit} | ${byDefault} |`,
  )
  return [
    '| setting | meaning | range | unit | default |',
    '|---|---|---|---|---|',
    ...lines,
    '',
  ].join('\n')
}
