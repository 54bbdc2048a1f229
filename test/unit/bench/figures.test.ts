// What the bench computes from what it reads: percentiles, /proc, openssl's table, the rate that CPU times allow.

import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { parseOptions } from '../../../scripts/bench/options.ts'
import {
  cpuBetween,
  parseMachineStat,
  parseMemory,
  parseStat,
} from '../../../scripts/bench/proc.ts'
import { table } from '../../../scripts/bench/report.ts'
import { parseSpeed } from '../../../scripts/bench/rsa-limit.ts'
import { percentile, ratio, spreadOf } from '../../../scripts/bench/statistics.ts'

describe('figures of the bench', () => {
  it('takes percentiles by the nearest rank', () => {
    const hundred = Array.from({ length: 100 }, (_, index) => index + 1)
    assert.deepEqual(spreadOf(hundred.toReversed()), { count: 100, p50: 50, p99: 99, most: 100 })
    assert.equal(percentile([7], 0.99), 7)
    assert.ok(Number.isNaN(percentile([], 0.5)))
  })

  it('compares with nothing as not a number', () => {
    assert.equal(ratio(1, 4), 0.25)
    assert.ok(Number.isNaN(ratio(1, 0)))
  })

  it('reads a process whose name holds blanks and brackets', () => {
    const line = '42 (a) b) S 7 42 42 0 -1 0 0 0 0 0 150 50 20 30 20 0 3 0 100 0 0'
    assert.deepEqual(parseStat(line), { parent: 7, cpuSeconds: 2.5 })
  })

  it('reads what the processors did, idle and waiting time left out', () => {
    assert.equal(parseMachineStat('cpu  100 10 50 9999 888 3 7 0 0 0\ncpu0 1\n'), 1.7)
  })

  it('gives the rest of the machine what the watched processes did not use', () => {
    const before = { secondsOf: { realm: 1 }, machineSeconds: 10 }
    const after = { secondsOf: { realm: 1.5, core: 0.25 }, machineSeconds: 12 }
    const used = cpuBetween(before, after)
    assert.deepEqual(used, { secondsOf: { realm: 0.5, core: 0.25 }, elsewhereSeconds: 1.25 })
  })

  it('reads memory with and without files', () => {
    const memory = parseMemory('Name:\tx\nVmRSS:\t    2048 kB\nRssAnon:\t    1024 kB\n')
    assert.deepEqual(memory, { residentBytes: 2_097_152, anonymousBytes: 1_048_576 })
  })

  it('reads private-key operations from what openssl prints', () => {
    const printed = 'options: bn(64,64)\nrsa 2048 bits 0.000374s 0.000019s   2671.6  51515.9\n'
    assert.equal(parseSpeed(printed), 2671.6)
    assert.equal(parseSpeed('speed: Unknown algorithm'), undefined)
  })

  it('lines columns up and shows what is absent as a dash', () => {
    const text = table([
      { what: 'a', figure: 12.55 },
      { what: 'longer', figure: undefined },
    ])
    assert.equal(text, 'what    figure\na         12.6\nlonger       -')
  })

  it('refuses a section that it does not know', () => {
    assert.throws(() => parseOptions(['--only', 'retrievals,speed']), /"speed" is not a section/)
    assert.deepEqual([...parseOptions(['--only', 'memory']).sections], ['memory'])
  })
})
