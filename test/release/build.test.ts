// A release is made by anybody, anywhere, to the last byte; and a single byte that is not its source's is found, and
// named. Two real builds: the second in another folder, as another user, with another umask, zone and locale, and
// without a network. The names of everything that could tell the two builders apart are looked for in the results.

import assert from 'node:assert/strict'
import { execFileSync, type SpawnSyncReturns, spawnSync } from 'node:child_process'
import {
  appendFileSync,
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { hostname, tmpdir, userInfo } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { compress } from '../../scripts/releasing/artefacts.ts'
import { DEB_MEMBERS, readAr, writeAr } from '../../scripts/releasing/deb.ts'
import { judgeRebuild, judgeRelease } from '../../scripts/releasing/judge-artefact.ts'
import { type OpenedArtefact, openArtefact } from '../../scripts/releasing/open-artefact.ts'
import { readKeys } from '../../scripts/releasing/release-keys.ts'
import { flipped } from '../support/release-fixture.ts'

const ROOT = join(import.meta.dirname, '../..')
const NOBODY = 65_534
const isRoot = process.getuid?.() === 0
const hasGit = existsSync(join(ROOT, '.git'))
const DEB = /\.deb$/

const scratch = mkdtempSync(join(tmpdir(), 'keyrealm-release-test-'))
const at = (...names: readonly string[]): string => join(scratch, ...names)

const git = (...args: readonly string[]): string =>
  execFileSync('git', ['-c', 'safe.directory=*', ...args])
    .toString()
    .trim()

/** A clone of what is committed; the tool in it runs on the packages that are installed here. */
const cloneTo = (folder: string): void => {
  git('clone', '--quiet', '--no-hardlinks', ROOT, folder)
  symlinkSync(join(ROOT, 'node_modules'), join(folder, 'node_modules'))
  appendFileSync(join(folder, '.git/info/exclude'), 'node_modules\n')
}

interface Ways {
  readonly env?: Readonly<Record<string, string>>
  readonly umask?: number
  readonly uid?: number
}

const run = (
  folder: string,
  program: string,
  args: readonly string[],
  { env = {}, umask = 0o022, uid }: Ways = {},
): SpawnSyncReturns<string> => {
  const command = `umask ${umask.toString(8)}; exec "$@"`
  const words = [process.execPath, join(folder, 'scripts/releasing', program), ...args]
  return spawnSync('sh', ['-c', command, 'sh', ...words], {
    cwd: folder,
    encoding: 'utf8',
    env: { ...process.env, ...env },
    ...(uid === undefined ? {} : { uid, gid: uid }),
  })
}

const succeeded = (result: SpawnSyncReturns<string>): string => {
  assert.equal(result.status, 0, result.stderr)
  return result.stdout
}

const named = (folder: string, pattern: RegExp): string => {
  const name = readdirSync(folder).find((one) => pattern.test(one))
  assert.ok(name !== undefined)
  return join(folder, name)
}

/** Another folder, another user, another umask, another zone, another locale, and no registry. */
const buildElsewhere = (): void => {
  const elsewhere = at('elsewhere, with a longer name')
  mkdirSync(elsewhere)
  const folder = join(elsewhere, 'clone')
  cloneTo(folder)
  const outs = join(elsewhere, 'outs')
  mkdirSync(outs)
  for (const open of [scratch, elsewhere, outs]) chmodSync(open, 0o777)
  chmodSync(at('keys'), 0o755)
  for (const file of readdirSync(at('keys'))) chmodSync(at('keys', file), 0o644)
  const args = ['--out', join(outs, 'out'), '--keys', at('keys')]
  const env = {
    NODE_OPTIONS: '',
    TZ: 'Pacific/Kiritimati',
    LC_ALL: 'tr_TR.UTF-8',
    LANG: 'tr_TR.UTF-8',
    HOME: outs,
    USER: 'somebody',
    SOURCE_DATE_EPOCH: '1',
    npm_config_registry: 'http://127.0.0.1:1/',
  }
  const ways = { env, umask: 0o077, ...(isRoot ? { uid: NOBODY } : {}) }
  const offline = ['--offline-bundle', at('packages.tar')]
  succeeded(run(folder, 'release.ts', [...args, ...offline], ways))
}

const skip = hasGit ? false : 'this is no git checkout, and a release is made of a commit'

describe('a release', { skip }, () => {
  const here = at('here')
  const out = at('out')
  const other = at('elsewhere, with a longer name', 'outs', 'out')

  before(() => {
    cloneTo(here)
    succeeded(
      run(here, 'release.ts', ['--make-keys', at('keys'), '--name', 'releases.acme.example']),
    )
    succeeded(run(here, 'release.ts', ['--make-offline-bundle', at('packages.tar')]))
    succeeded(run(here, 'release.ts', ['--out', out, '--keys', at('keys')]))
    buildElsewhere()
  })
  after(() => rmSync(scratch, { recursive: true, force: true }))

  it('is the same to the last byte, whoever builds it, where, when, and from which packages', () => {
    const sums = (folder: string) => readFileSync(join(folder, 'SHA256SUMS'), 'utf8')
    assert.equal(sums(other), sums(out))
    assert.equal(sums(out).trim().split('\n').length, 6)
    for (const name of readdirSync(out).filter((one) => one !== 'evidence')) {
      const pair = [readFileSync(join(out, name)), readFileSync(join(other, name))] as const
      assert.ok(pair[0].equals(pair[1]), name)
    }
  })

  it('holds nothing of the machines that built it, nor of their registries', () => {
    const registry = execFileSync('npm', ['config', 'get', 'registry'], { cwd: ROOT })
    const traces = [
      scratch,
      ROOT,
      'elsewhere, with',
      new URL(registry.toString().trim()).host,
      'Kiritimati',
      hostname(),
      join('/home', userInfo().username),
    ]
    const opened = openArtefact(readFileSync(named(out, DEB)))
    const pieces: [string, Uint8Array][] = [
      ...[...opened.tree, ...opened.around].map(({ name, bytes }): [string, Uint8Array] => [
        name,
        bytes,
      ]),
      ...['sbom.cdx.json', 'provenance.intoto.json', 'signers.json'].map(
        (name): [string, Uint8Array] => [name, readFileSync(join(out, name))],
      ),
    ]
    const provenance = JSON.parse(readFileSync(join(out, 'provenance.intoto.json'), 'utf8'))
    pieces.push(['provenance', Buffer.from(provenance.payload, 'base64')])
    // The runtime and its licence are another project's words; npm held them against their digest.
    const ours = pieces.filter(([name]) => !/bin\/node$|licences\/node-/.test(name))
    for (const trace of traces) {
      const found = ours.filter(([, bytes]) => Buffer.from(bytes).includes(trace))
      assert.deepEqual(
        found.map(([name]) => name),
        [],
        trace,
      )
    }
  })

  it('is verified by one command where there is no network, no git, and no package yet', () => {
    const folder = at('only the source')
    mkdirSync(folder)
    execFileSync('sh', ['-euc', 'git -C "$0" archive HEAD | tar -x -C "$1"', here, folder])
    const renamed = at('download')
    writeFileSync(renamed, readFileSync(named(out, DEB)))
    const args = [
      renamed,
      '--signers',
      join(out, 'signers.json'),
      '--offline-bundle',
      at('packages.tar'),
    ]
    const alone = isRoot ? ['unshare', '--net'] : ['env']
    const [program = '', ...words] = [...alone, join(folder, 'scripts/verify-release'), ...args]
    const said = succeeded(spawnSync(program, words, { cwd: scratch, encoding: 'utf8' }))
    assert.match(said, /signed +by releases\.acme\.example: Ed25519 and ML-DSA-65/)
    assert.match(said, /the folder, on its owner’s word, has commit/)
    assert.match(said, /identical the source makes this artefact, to the last byte/)
    assert.match(said, /^GOOD$/m)
  })

  it('is not built from a checkout in which something was changed', () => {
    appendFileSync(join(here, 'README.md'), 'changed\n')
    const result = run(here, 'release.ts', ['--out', at('never')])
    assert.equal(result.status, 1)
    assert.match(result.stderr, /not clean/)
    git('-C', here, 'checkout', '--quiet', 'README.md')
  })

  it('is refused where nobody, strangers, or the development key are believed', () => {
    const judge = (...more: readonly string[]) =>
      run(here, 'verify-release.ts', [named(out, DEB), '--no-rebuild', ...more])
    assert.match(judge().stderr, /--signers is needed/)
    succeeded(run(here, 'release.ts', ['--make-keys', at('strangers'), '--name', 'x.example']))
    const strangers = judge('--development')
    assert.equal(strangers.status, 1)
    assert.match(strangers.stdout, /not signed by a pinned key/)
  })

  it('names each changed byte: which file, where, and why it matters', () => {
    const bytes = readFileSync(named(out, DEB))
    const built = openArtefact(readFileSync(named(other, DEB)))
    const kinds: readonly (readonly [path: string, what: string])[] = [
      ['usr/lib/keyrealm/bin/node', 'the runtime'],
      ['usr/lib/keyrealm/program/realm/realm.mjs', 'the program'],
      ['usr/lib/keyrealm/program/core/core.mjs', 'the program'],
      ['usr/lib/keyrealm/program/realm/token-worker.mjs', 'the program'],
      ['usr/lib/keyrealm/node_modules/better-sqlite3/prebuilds/linux-x64.node', 'a native part'],
      ['usr/lib/keyrealm/node_modules/better-sqlite3/lib/database.js', 'the program'],
      ['usr/lib/systemd/system/keyrealm.service', 'a systemd unit'],
      ['usr/bin/keyrealm', 'the command'],
      ['usr/share/keyrealm/appliance.json', 'a configuration template'],
      ['usr/share/keyrealm/audit-verify.mjs', 'the auditor’s verifier'],
      ['usr/share/man/man8/keyrealm.8', 'a page'],
      ['usr/share/bash-completion/completions/keyrealm', 'a shell completion'],
      ['usr/share/doc/keyrealm/sbom.cdx.json', 'a statement about the content'],
      ['usr/lib/keyrealm/release/manifest.json', 'the evidence'],
    ]
    for (const [path, what] of kinds) {
      const opened = openArtefact(bytes)
      const changed: OpenedArtefact = {
        ...opened,
        tree: opened.tree.map((entry) =>
          entry.name === `./${path}`
            ? { ...entry, bytes: flipped(entry.bytes, Math.floor(entry.bytes.length / 2)) }
            : entry,
        ),
      }
      const found = judgeRebuild(changed, built, { shipped: bytes, built: bytes })
      assert.equal(found.length, 1, path)
      assert.equal(found[0]?.at, path)
      assert.ok(
        found[0]?.says.startsWith(`(${what}) 1 byte differs, the first at `),
        found[0]?.says,
      )
      // Whoever has no source finds it by the manifest, or the manifest itself is not the signed one.
      const { findings } = judgeRelease(changed, [readKeys(at('keys')).signer])
      assert.ok(findings.length > 0, path)
      if (!path.endsWith('manifest.json')) assert.equal(findings[0]?.at, path)
    }
  })

  it('names a changed maintainer script, and an artefact that is only packed in another way', () => {
    const bytes = readFileSync(named(out, DEB))
    const opened = openArtefact(bytes)
    const around = opened.around.map((entry) =>
      entry.name === './postinst' ? { ...entry, bytes: Buffer.from('#!/bin/sh\nevil\n') } : entry,
    )
    const pair = { shipped: bytes, built: bytes }
    const [script] = judgeRebuild({ ...opened, around }, opened, pair)
    assert.equal(script?.at, 'control archive: postinst')
    assert.match(script?.why ?? '', /dpkg runs it as root/)
    const members = readAr(bytes)
    const repacked = writeAr(
      members.map((one) =>
        one.name === DEB_MEMBERS[1] ? { ...one, bytes: compress(Buffer.alloc(1024)) } : one,
      ),
      1,
    )
    const [packed] = judgeRebuild(opened, opened, { shipped: repacked, built: bytes })
    assert.equal(packed?.at, 'artefact')
  })

  it('is refused with a link, a path that leads out, a file twice, or a file that nobody knows', () => {
    const opened = openArtefact(readFileSync(named(out, DEB)))
    const file = opened.tree.find(({ name }) => name === './usr/bin/keyrealm')
    assert.ok(file !== undefined)
    const judge = (more: Partial<typeof file>) =>
      judgeRelease({ ...opened, tree: [...opened.tree, { ...file, ...more }] }, [
        readKeys(at('keys')).signer,
      ]).findings.map(({ at: where, says }) => `${where}: ${says}`)
    const linked = judge({ name: './usr/lib/link', kind: 'link', linkTarget: '../../etc/shadow' })
    assert.match(linked[0] ?? '', /is a link to \.\.\/\.\.\/etc\/shadow/)
    assert.match(judge({ name: './../../etc/cron.d/x' })[0] ?? '', /leads elsewhere/)
    assert.match(judge({})[0] ?? '', /stands twice/)
    assert.match(judge({ name: './usr/lib/x.mjs' })[0] ?? '', /the manifest does not know/)
    const among = './usr/lib/keyrealm/release/extra.mjs'
    assert.match(judge({ name: among })[0] ?? '', /lies among the evidence and is none/)
  })

  it('follows the one before it, and an older one put back is seen', () => {
    const checkpoint = at('seen')
    const kept = readFileSync(join(out, 'evidence/log/checkpoint'), 'utf8')
    writeFileSync(checkpoint, kept)
    const args = [named(out, DEB), '--signers', join(out, 'signers.json'), '--no-rebuild']
    succeeded(run(here, 'verify-release.ts', [...args, '--seen', checkpoint]))
    // As if the auditor had accepted a second release already.
    const [origin, size, root] = kept.split('\n')
    writeFileSync(checkpoint, kept.replace(`${origin}\n${size}\n${root}`, `${origin}\n2\n${root}`))
    const older = run(here, 'verify-release.ts', [...args, '--seen', checkpoint])
    assert.equal(older.status, 1)
    assert.match(older.stdout, /older release put back/)
  })
})
