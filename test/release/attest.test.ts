// The installed program says what it is, and where it is told to be a logged release, it is one or does not start.

import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import {
  copyFileSync,
  cpSync,
  existsSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { developmentKeys, makeKeys } from '../../scripts/releasing/release-keys.ts'
import { encodeSigners } from '../../src/release/index.ts'
import {
  type BuiltRelease,
  buildRelease,
  runInstalled,
  scratchFolder,
  unpackRelease,
  writeSettings,
} from '../support/installed-release.ts'
import { flipped } from '../support/release-fixture.ts'

const scratch = scratchFolder()
const at = (...names: readonly string[]): string => join(scratch.folder, ...names)
const HOME = 'usr/lib/keyrealm'
const NATIVE = `${HOME}/node_modules/better-sqlite3/prebuilds/linux-x64.node`

const sha256 = (file: string): string =>
  createHash('sha256').update(readFileSync(file)).digest('hex')

describe('an installed release', () => {
  const tree = at('tree')
  let built: BuiltRelease
  let settings: string

  const initialize = (more: Parameters<typeof runInstalled>[2] = {}) =>
    runInstalled(tree, ['init', '--config', settings], more)

  /** What the program says when one thing about it is changed; afterwards it is as it was. */
  const refusedWhen = (change: () => void, file?: string): string => {
    const kept = at('kept')
    if (file !== undefined) copyFileSync(join(tree, file), kept)
    change()
    const result = initialize()
    if (file !== undefined) copyFileSync(kept, join(tree, file))
    assert.equal(result.status, 1, result.stdout)
    return result.stderr
  }

  before(() => {
    built = buildRelease(scratch.folder, 'out')
    unpackRelease(built.deb, tree)
    const release = { require: 'logged', signersFile: built.signersFile }
    settings = writeSettings(tree, at('state'), { release })
  })
  after(() => scratch.remove())

  it('says what runs, by digests that anybody can compute', () => {
    const said = runInstalled(tree, ['version', '--digests', '--json', '--config', settings])
    assert.equal(said.status, 0, said.stderr)
    const digests = JSON.parse(said.stdout)
    assert.equal(digests.runtimeSha256, sha256(join(tree, HOME, 'bin/node')))
    assert.equal(digests.nativeSha256, sha256(join(tree, NATIVE)))
    assert.equal(digests.configSha256, sha256(settings))
    assert.equal(digests.manifestSha256, sha256(join(built.out, 'evidence/manifest.json')))
    assert.match(digests.programSha256, /^[0-9a-f]{64}$/)
    assert.match(digests.packagesSha256, /^[0-9a-f]{64}$/)
  })

  it('starts as a logged release', () => {
    const result = initialize()
    assert.equal(result.status, 0, result.stderr)
  })

  it('does not start with a swapped native part, or any other changed file', () => {
    const files = [NATIVE, `${HOME}/program/realm/realm.mjs`, `${HOME}/package.json`]
    for (const file of files) {
      const path = join(tree, file)
      const said = refusedWhen(() => {
        const bytes = readFileSync(path)
        const changed = file === NATIVE ? flipped(bytes, bytes.length - 2) : `${bytes}\n`
        writeFileSync(path, changed)
      }, file)
      assert.ok(said.includes(`(${file})`), said)
      assert.match(said, /\(release\.file-altered\)$/m)
    }
  })

  it('does not start with a file beside it that nobody knows, nor with a link', () => {
    const extra = join(tree, HOME, 'program/realm/extra.mjs')
    writeFileSync(extra, '')
    assert.match(
      refusedWhen(() => undefined),
      /release\.file-unknown/,
    )
    rmSync(extra)
    symlinkSync('/etc/passwd', extra)
    assert.match(
      refusedWhen(() => undefined),
      /release\.not-a-file/,
    )
    rmSync(extra)
  })

  it('does not start when others signed it, when anybody could have, or when signatures are wrong', () => {
    const pinned = readFileSync(built.signersFile)
    const pin = (text: string) => writeFileSync(built.signersFile, text)
    pin(encodeSigners([makeKeys(at('others'), 'releases.test.example').signer]))
    assert.match(
      refusedWhen(() => undefined),
      /release\.unpinned-key/,
    )
    pin(encodeSigners([developmentKeys().signer]))
    assert.match(
      refusedWhen(() => undefined),
      /release\.development-key/,
    )
    pin('[]')
    assert.match(
      refusedWhen(() => undefined),
      /release\.signers-unreadable/,
    )
    writeFileSync(built.signersFile, pinned)
    const signature = `${HOME}/release/manifest.json.ml-dsa-65`
    const turn = () => {
      const path = join(tree, signature)
      writeFileSync(path, flipped(readFileSync(path), 100))
    }
    assert.match(refusedWhen(turn, signature), /release\.half-signed/)
    const bundle = `${HOME}/release/log/tile/entries/000.p/1`
    const forget = () => rmSync(join(tree, bundle))
    assert.match(refusedWhen(forget, bundle), /release\.log-missing/)
  })

  it('does not start in another Node, or with code loaded beside it', () => {
    const preload = at('preload.mjs')
    writeFileSync(preload, '')
    const imported = initialize({ node: [`--import=${preload}`] })
    assert.match(imported.stderr, /--import.*release\.foreign-options/s)
    const inherited = initialize({ env: { NODE_OPTIONS: `--import=${preload}` } })
    assert.match(inherited.stderr, /NODE_OPTIONS.*release\.foreign-options/s)
    const before = initialize({
      env: { LD_AUDIT: '/nonexistent', NODE_TLS_REJECT_UNAUTHORIZED: '0' },
    })
    assert.match(before.stderr, /LD_AUDIT|NODE_TLS.*release\.foreign-options/s)
    const program = join(tree, HOME, 'program/keyrealm.mjs')
    writeFileSync(preload, `await import(${JSON.stringify(program)})`)
    const called = spawnSync(
      join(tree, HOME, 'bin/node'),
      [preload, 'init', '--config', settings],
      {
        encoding: 'utf8',
        env: {},
      },
    )
    assert.match(called.stderr, /release\.foreign-program/)
    writeFileSync(preload, '')
    const node = at('node')
    cpSync(join(tree, HOME, 'bin/node'), node)
    assert.match(initialize({ runtime: node }).stderr, /release\.foreign-runtime/)
  })

  it('does not start when an older release was put back', () => {
    const seen = at('state/release-log-checkpoint')
    assert.ok(existsSync(seen))
    const kept = readFileSync(seen, 'utf8')
    const [origin, , root] = kept.split('\n')
    writeFileSync(seen, kept.replace(`${origin}\n1\n${root}`, `${origin}\n2\n${root}`))
    assert.match(
      refusedWhen(() => undefined),
      /release\.rolled-back/,
    )
    writeFileSync(seen, kept.replace(root ?? '', Buffer.alloc(32).toString('base64')))
    assert.match(
      refusedWhen(() => undefined),
      /release\.log-forked/,
    )
    writeFileSync(seen, kept)
    assert.equal(initialize().status, 0)
  })

  it('does not start without evidence, as from a source tree', () => {
    const evidence = join(tree, HOME, 'release')
    cpSync(evidence, at('evidence'), { recursive: true })
    rmSync(evidence, { recursive: true })
    assert.match(
      refusedWhen(() => undefined),
      /release\.no-manifest/,
    )
    cpSync(at('evidence'), evidence, { recursive: true })
    assert.equal(initialize().status, 0)
  })
})
