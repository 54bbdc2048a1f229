// Every command has an example in its help, and every example is understood by the command it belongs to.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { examplesOf, leavesOf } from '../../../src/admin/examples.ts'
import { buildProgram, type CliActions, runCli } from '../../../src/admin/index.ts'

/** Whatever is asked for is done. */
const anyActions = (seen: string[]): CliActions =>
  new Proxy(Object({}), {
    get: (_nothing, name: string) => async () => {
      seen.push(name)
      return 0
    },
  })

const leaves = leavesOf(buildProgram(anyActions([]), { version: '1' }, () => undefined))

test('each command has an example, and prints it in its help', async () => {
  assert.ok(leaves.length > 50)
  for (const leaf of leaves) {
    const [first] = examplesOf(leaf)
    assert.ok(first !== undefined, leaf.name())
  }
  const lines: string[] = []
  const output = { out: (text: string) => void lines.push(text), error: assert.fail }
  const help = ['backup', '--help']
  assert.equal(await runCli(anyActions([]), { version: '1' }, help, output), 0)
  assert.match(lines.join(''), /Examples:\n {2}keyrealm backup/)
})

test('each example is understood', async () => {
  const before = process.env['KEYREALM_CONFIG']
  process.env['KEYREALM_CONFIG'] = 'appliance.json'
  const output = { out: () => undefined, error: (text: string) => assert.fail(text) }
  for (const line of leaves.flatMap(examplesOf)) {
    const seen: string[] = []
    const code = await runCli(anyActions(seen), { version: '1' }, line.split(' '), output)
    assert.equal(code, 0, line)
    assert.ok(seen.length === 1 || line === 'version', line)
  }
  if (before === undefined) delete process.env['KEYREALM_CONFIG']
  else process.env['KEYREALM_CONFIG'] = before
})
