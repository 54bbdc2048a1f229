// scripts/keyrealm.mjs: guards the Node version, dispatches, and passes on signals and exit codes.
// An older Node is played by the pinned one with another version number, so that nothing else is needed.

import assert from 'node:assert/strict'
import { type ChildProcess, spawn } from 'node:child_process'
import { cpSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, describe, test } from 'node:test'
import { fileURLToPath } from 'node:url'

const folder = mkdtempSync(join(tmpdir(), 'keyrealm launcher '))
after(() => rmSync(folder, { recursive: true }))

const OLD_NODE =
  'data:text/javascript,Object.defineProperty(process,"versions",{value:{...process.versions,node:"20.20.2"}})'

const write = (name: string, text: string): void => {
  mkdirSync(join(folder, name, '..'), { recursive: true })
  writeFileSync(join(folder, name), text)
}

/** Prints how it was called, once it listens to signals, and does what its first word says. */
const main = (name: string, words: string) =>
  [
    `export const ${name} = async (args: unknown): Promise<number> => {`,
    `  const [word] = ${words}`,
    '  const alive = setInterval(() => undefined, 1000)',
    '  const { promise: told, resolve } = Promise.withResolvers<number>()',
    "  for (const signal of ['SIGTERM', 'SIGINT', 'SIGHUP']) {",
    '    process.on(signal, () => { console.log(signal); resolve(7) })',
    '  }',
    `  console.log('${name}', JSON.stringify(args), process.versions.node.split('.')[0])`,
    "  if (word === 'throw') throw new Error('broken')",
    "  if (word === 'die') process.kill(process.pid, 'SIGKILL')",
    "  const code = word === 'wait' ? await told : Number(word)",
    '  // The timer goes on: a forgotten handle must not keep the process alive.',
    '  return alive.hasRef() ? code : 99',
    '}',
  ].join('\n')

write('package.json', '{"type":"module"}')
write('src/main.ts', main('runKeyrealm', 'args'))
write('src/core/main.ts', main('runCore', '[args]'))
const script = join(folder, 'scripts', 'keyrealm.mjs')
cpSync(fileURLToPath(new URL('../../../scripts/keyrealm.mjs', import.meta.url)), script)
const pinned = `node_modules/node-${process.platform}-${process.arch}`
write(`${pinned}/package.json`, '{}')
mkdirSync(join(folder, pinned, 'bin'))
symlinkSync(process.execPath, join(folder, pinned, 'bin', 'node'))

const launch = (args: readonly string[], nodeArgs: readonly string[] = []) => {
  const child = spawn(process.execPath, [...nodeArgs, script, ...args], {
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  const printed = { out: '', error: '' }
  child.stdout.on('data', (chunk) => {
    printed.out += String(chunk)
  })
  child.stderr.on('data', (chunk) => {
    printed.error += String(chunk)
  })
  const ended = new Promise<{ code: number | null; signal: string | null }>((resolve) =>
    child.once('close', (code, signal) => resolve({ code, signal })),
  )
  return { child, printed, ended }
}

const untilPrinted = (child: ChildProcess): Promise<void> =>
  new Promise((resolve) => child.stdout?.once('data', () => resolve()))

const WITHIN = { timeout: 20_000 }
const old = ['--import', OLD_NODE]

describe('the program', { concurrency: 2 }, () => {
  test('hands "core" to the core and everything else to the realm', WITHIN, async () => {
    const core = launch(['core', '--config', '4'])
    assert.deepEqual(await core.ended, { code: 4, signal: null })
    assert.equal(core.printed.out, 'runCore "4" 24\n')
    const realm = launch(['0', 'core'])
    assert.deepEqual(await realm.ended, { code: 0, signal: null })
    assert.equal(realm.printed.out, 'runKeyrealm ["0","core"] 24\n')
  })

  test('tells how to run the core', WITHIN, async () => {
    const help = launch(['core', '--help'])
    assert.deepEqual(await help.ended, { code: 0, signal: null })
    assert.match(help.printed.out, /^usage: keyrealm core --config <file>/)
    const wrong = launch(['core'])
    assert.deepEqual(await wrong.ended, { code: 2, signal: null })
    assert.match(wrong.printed.error, /^usage: keyrealm core --config <file>/)
  })

  test('under an older Node starts the pinned one and ends with its code', WITHIN, async () => {
    const { printed, ended } = launch(['5', 'an argument'], old)
    assert.deepEqual(await ended, { code: 5, signal: null })
    assert.equal(printed.out, 'runKeyrealm ["5","an argument"] 24\n')
  })

  test('passes on signals and waits for the end', WITHIN, async () => {
    for (const signal of ['SIGTERM', 'SIGINT', 'SIGHUP'] as const) {
      const { child, printed, ended } = launch(['wait'], old)
      await untilPrinted(child)
      child.kill(signal)
      assert.deepEqual(await ended, { code: 7, signal: null })
      assert.match(printed.out, new RegExp(`${signal}\n$`))
    }
  })

  test('ends by the signal that ended the pinned Node', WITHIN, async () => {
    const { ended } = launch(['die'], old)
    assert.deepEqual(await ended, { code: null, signal: 'SIGKILL' })
  })

  test('leaves nothing running when the older Node is killed', WITHIN, async () => {
    const { child, printed, ended } = launch(['wait'], old)
    await untilPrinted(child)
    child.kill('SIGKILL')
    // "close" comes when the last holder of standard output is gone: the pinned Node too.
    await ended
    assert.match(printed.out, /SIGTERM\n$/)
  })

  test('an error in the program is not hidden', WITHIN, async () => {
    const { printed, ended } = launch(['throw'], old)
    assert.deepEqual(await ended, { code: 1, signal: null })
    assert.match(printed.error, /broken/)
  })

  test('says what is missing when there is no pinned Node', WITHIN, async () => {
    const alone = mkdtempSync(join(tmpdir(), 'keyrealm-alone-'))
    const copy = join(alone, 'keyrealm.mjs')
    cpSync(script, copy)
    const child = spawn(process.execPath, [...old, copy], { stdio: ['ignore', 'ignore', 'pipe'] })
    let error = ''
    child.stderr.on('data', (chunk) => {
      error += String(chunk)
    })
    const code = await new Promise((resolve) => child.once('close', resolve))
    rmSync(alone, { recursive: true })
    assert.equal(code, 1)
    assert.match(error, /^keyrealm: needs Node 24, found 20\.20\.2; .*\(cli\.wrong-node\)\n$/)
  })
})
