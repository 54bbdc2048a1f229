// How a process was started says what else could run in it: another runtime, or code that no manifest knows.

import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { readFileSync, realpathSync } from 'node:fs'
import { join } from 'node:path'
import { describe, it } from 'node:test'
import { ownDigests, sha256OfFile } from '../../../src/main/own-files.ts'
import { type HowStarted, judgeStart } from '../../../src/main/own-release.ts'

const OWN = { runtime: realpathSync(process.execPath), program: import.meta.filename }
const STARTED = { execPath: process.execPath, program: OWN.program, execArgv: [], environment: {} }
const judge = (changes: Partial<HowStarted>, own = OWN) =>
  judgeStart({ ...STARTED, ...changes }, own)

const OBEYED = {
  NODE_OPTIONS: '--max-old-space-size=100',
  NODE_PATH: '/tmp',
  NODE_COMPILE_CACHE: '/tmp',
  NODE_TLS_REJECT_UNAUTHORIZED: '0',
  NODE_EXTRA_CA_CERTS: '/tmp/ca.pem',
  NODE_DEBUG: 'http',
  NODE_USE_ENV_PROXY: '1',
  LD_PRELOAD: '/tmp/x.so',
  LD_AUDIT: '/tmp/x.so',
  LD_LIBRARY_PATH: '/tmp',
  OPENSSL_CONF: '/tmp/openssl.cnf',
  OPENSSL_MODULES: '/tmp',
  SSL_CERT_FILE: '/tmp/ca.pem',
}

describe('how a release was started', () => {
  it('is good with its own Node and options that only take rights away', () => {
    const execArgv = ['--permission', '--allow-fs-read=/etc', '--disable-proto=delete']
    const environment = { NODE_OPTIONS: '', NODE_ENV: 'production', PATH: '/bin', LANG: 'C' }
    assert.equal(judge({ execArgv, environment }), undefined)
  })

  it('is refused in another Node', () => {
    const problem = { problem: 'release.foreign-runtime' }
    assert.deepEqual(judge({}, { ...OWN, runtime: '/usr/bin/node' }), problem)
    assert.deepEqual(judge({ execPath: '/nonexistent' }), problem)
  })

  it('is refused when another program ran first and called it', () => {
    const problem = { problem: 'release.foreign-program' }
    assert.deepEqual(judge({ program: realpathSync(process.execPath) }), problem)
    assert.deepEqual(judge({ program: '/nonexistent.mjs' }), problem)
    assert.deepEqual(judge({ program: undefined }), problem)
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
  })

  it('is refused with variables that load code, or say whom to trust and what to print', () => {
    for (const [name, value] of Object.entries(OBEYED)) {
      const problem = { problem: 'release.foreign-options', at: name }
      assert.deepEqual(judge({ environment: { [name]: value } }), problem, name)
    }
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

describe('a unit of the package', () => {
  const SYSTEMD = join(import.meta.dirname, '../../../packaging/systemd')
  const isRefused = (name: string): boolean => judge({ environment: { [name]: 'x' } }) !== undefined
  const offered = execFileSync(process.execPath, ['--help'], { encoding: 'utf8' })
  const known = [...new Set(offered.match(/^(?:NODE|OPENSSL|SSL)_\w+/gm))].filter(isRefused)

  for (const unit of ['keyrealm', 'keyrealm-core']) {
    it(`takes away what a start is refused with: ${unit}`, () => {
      const text = readFileSync(join(SYSTEMD, `${unit}.service`), 'utf8')
      const lines = [...text.matchAll(/^UnsetEnvironment=(.*)$/gm)].map(([, names = '']) => names)
      const unset = lines.flatMap((names) => names.split(' '))
      assert.ok(known.length > 10)
      for (const name of [...known, ...Object.keys(OBEYED)]) assert.ok(unset.includes(name), name)
      // No more than that: what the unit sets itself is not unset.
      for (const name of unset) assert.ok(isRefused(name), name)
    })
  }
})
