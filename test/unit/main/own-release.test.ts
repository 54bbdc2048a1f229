// How a process was started says what else could run in it: another runtime, or code that no manifest knows.

import assert from 'node:assert/strict'
import { realpathSync } from 'node:fs'
import { describe, it } from 'node:test'
import { ownDigests, sha256OfFile } from '../../../src/main/own-files.ts'
import { type HowStarted, judgeStart } from '../../../src/main/own-release.ts'

const RUNTIME = realpathSync(process.execPath)
const judge = (changes: Partial<HowStarted>, runtime = RUNTIME) =>
  judgeStart({ execPath: process.execPath, execArgv: [], environment: {}, ...changes }, runtime)

describe('how a release was started', () => {
  it('is good with its own Node and options that only take rights away', () => {
    const execArgv = ['--permission', '--allow-fs-read=/etc', '--disable-proto=delete']
    assert.equal(judge({ execArgv, environment: { NODE_OPTIONS: '' } }), undefined)
  })

  it('is refused in another Node', () => {
    assert.deepEqual(judge({}, '/usr/bin/node'), { problem: 'release.foreign-runtime' })
  })

  it('is refused with options that could load code, wherever they come from', () => {
    const loading = [
      '--import=./x.mjs',
      '-r',
      '--require=x',
      '--loader=x',
      '--inspect',
      '--eval',
      '-e',
    ]
    for (const option of loading) {
      const problem = { problem: 'release.foreign-options', at: option }
      assert.deepEqual(judge({ execArgv: [option] }), problem)
    }
    const environment = { NODE_OPTIONS: '--max-old-space-size=100' }
    assert.equal(judge({ environment })?.at, 'NODE_OPTIONS')
  })
})

describe('digests of what runs', () => {
  it('are there in a checkout, too, where no manifest is', () => {
    const digests = ownDigests()
    assert.equal(digests.runtimeSha256, sha256OfFile(process.execPath))
    assert.equal(digests.manifestSha256, undefined)
    assert.equal(digests.configSha256, undefined)
  })
})
