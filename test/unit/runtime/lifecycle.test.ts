import assert from 'node:assert/strict'
import { EventEmitter } from 'node:events'
import { describe, test } from 'node:test'
import { createLog, type Part, runUntilStopped } from '../../../src/runtime/index.ts'
import { milliseconds } from '../../../src/time.ts'

class AHost extends EventEmitter {
  readonly exits: number[] = []
  exit(code: number): void {
    this.exits.push(code)
  }
}

const settle = () => new Promise<void>((resolve) => setImmediate(resolve))

const aWorld = () => {
  const lines: string[] = []
  const steps: string[] = []
  const log = createLog({ level: 'debug', sink: { write: (line) => lines.push(line) } })
  const host = new AHost()
  const aPart = (name: string, change: Partial<Part> = {}): Part => ({
    name,
    start: async () => {
      steps.push(`+${name}`)
    },
    stop: async () => {
      steps.push(`-${name}`)
    },
    ...change,
  })
  const run = (parts: readonly Part[], stopWithinMs = 1000) =>
    runUntilStopped({ parts, log, host, stopWithin: milliseconds(stopWithinMs) })
  return { lines, steps, host, aPart, run }
}

describe('the life of a process', () => {
  test('parts start in order and stop in reverse on SIGTERM, SIGINT and SIGHUP', async () => {
    for (const signal of ['SIGTERM', 'SIGINT', 'SIGHUP']) {
      const { steps, host, aPart, run } = aWorld()
      const code = run([aPart('store'), aPart('link')])
      await settle()
      host.emit(signal)
      assert.equal(await code, 0)
      assert.deepEqual(steps, ['+store', '+link', '-link', '-store'])
      assert.deepEqual(host.eventNames(), [], 'no listener is left behind')
    }
  })

  test('a part that does not start stops those before it, with exit code 1', async () => {
    const { steps, lines, aPart, run } = aWorld()
    const start = () => Promise.reject(new Error('hunter2'))
    assert.equal(await run([aPart('store'), aPart('link', { start }), aPart('late')]), 1)
    assert.deepEqual(steps, ['+store', '-store'])
    assert.match(lines.join(''), /part.not-started/)
    assert.ok(!lines.join('').includes('hunter2'))
  })

  test('a signal during the start stops what has started', async () => {
    const { steps, host, aPart, run } = aWorld()
    const start = async () => {
      host.emit('SIGTERM')
    }
    assert.equal(await run([aPart('store', { start }), aPart('late')]), 0)
    assert.deepEqual(steps, ['-store'])
  })

  test('a part that fails to stop does not keep the others, with exit code 3', async () => {
    const { steps, host, aPart, run } = aWorld()
    const stop = () => Promise.reject(new Error('stuck'))
    const code = run([aPart('store'), aPart('link', { stop })])
    await settle()
    host.emit('SIGTERM')
    assert.equal(await code, 3)
    assert.deepEqual(steps, ['+store', '+link', '-store'])
  })

  test('a part that never stops is given up at the deadline, with exit code 3', async (t) => {
    t.mock.timers.enable({ apis: ['setTimeout'] })
    const { lines, host, aPart, run } = aWorld()
    const stop = () => new Promise<void>(() => undefined)
    const code = run([aPart('link', { stop })], 1000)
    await settle()
    host.emit('SIGTERM')
    await settle()
    t.mock.timers.tick(1000)
    assert.equal(await code, 3)
    assert.match(lines.join(''), /part.not-stopped/)
  })

  test('Ctrl-C twice at once is one wish; later it ends the process at once', async (t) => {
    const { host, aPart, run } = aWorld()
    const release = Promise.withResolvers<void>()
    let nowMs = 5000
    t.mock.method(performance, 'now', () => nowMs)
    const code = run([aPart('link', { stop: () => release.promise })])
    await settle()
    host.emit('SIGINT')
    nowMs += 100
    host.emit('SIGINT')
    assert.deepEqual(host.exits, [])
    nowMs += 2000
    host.emit('SIGINT')
    host.emit('SIGTERM')
    assert.deepEqual(host.exits, [130, 143])
    release.resolve()
    await code
  })

  test('what nobody handled is logged without its message and ends the process with 70', async () => {
    const { lines, host, aPart, run } = aWorld()
    const code = run([aPart('store')])
    await settle()
    host.emit('uncaughtException', new Error('hunter2'))
    host.emit('unhandledRejection', new Error('hunter2'))
    assert.deepEqual(host.exits, [70, 70])
    assert.match(lines.join(''), /process.uncaught-exception[\s\S]*process.unhandled-rejection/)
    assert.ok(!lines.join('').includes('hunter2'))
    host.emit('SIGTERM')
    await code
  })
})
