import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'
import {
  loadSettings,
  settingRows,
  settingsSchemaText,
  withSettingsTable,
} from '../../../src/config/index.ts'

const file = (name: string): string =>
  fileURLToPath(new URL(`../../../config/${name}`, import.meta.url))
const textOf = (name: string): string => readFileSync(file(name), 'utf8')
const advice = 'stale: run node scripts/describe-settings.ts'

test('the JSON Schema is fresh', () => {
  assert.equal(textOf('appliance.schema.json'), settingsSchemaText(), advice)
})

test('the settings table is fresh', () => {
  const readme = textOf('README.md')
  assert.equal(readme, withSettingsTable(readme), advice)
})

test('every setting has a meaning', () => {
  for (const { path, meaning } of settingRows()) assert.notEqual(meaning, '', path)
})

test('the example loads', () => {
  assert.equal(loadSettings(file('appliance.json')).realm.domain, 'kms.acme.example')
})

test('the example writes out every default', () => {
  const example: unknown = JSON.parse(textOf('appliance.json'))
  for (const { path, byDefault } of settingRows()) {
    const isLeftOut = LEFT_OUT.some((kind) => path.includes(kind))
    if (!byDefault.startsWith('`') || isLeftOut) continue
    assert.equal(JSON.stringify(at(example, path)), byDefault.slice(1, -1), path)
  }
})

/** An example shows one kind of store, the kinds of destination that keep a secret, no peers and no proxy. */
const LEFT_OUT = ['store(postgres)', '(syslog-tcp)', '(syslog-udp)', 'federation.carrier', 'proxy.']

const LISTED_KIND = /^(.*)\[\]\((.*)\)$/

const at = (value: unknown, path: string): unknown =>
  path.split('.').reduce((inner, name) => {
    const [, list, kind] = LISTED_KIND.exec(name) ?? []
    if (list !== undefined) {
      const members: unknown = Reflect.get(Object(inner), list)
      return Array.isArray(members) ? members.find((one) => one.kind === kind) : undefined
    }
    const member: unknown = Reflect.get(Object(inner), name.replace('[]', ''))
    return Array.isArray(member) && name.endsWith('[]') ? member[0] : member
  }, value)
