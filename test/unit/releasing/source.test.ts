// The source that an auditor builds is the commit, object by object, whatever the repository that holds it was told.

import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, it } from 'node:test'
import { deflateSync } from 'node:zlib'
import { exportSource } from '../../../scripts/releasing/source.ts'

const TIME = 1_795_000_000
const hasGit = existsSync('/usr/bin/git')

describe('the source of a commit', { skip: hasGit ? false : 'git is not installed' }, () => {
  let folder: string
  let repository: string
  let to: string

  const git = (...args: readonly string[]): string =>
    execFileSync('git', ['-C', repository, ...args], {
      env: {
        PATH: process.env['PATH'] ?? '',
        HOME: folder,
        GIT_CONFIG_NOSYSTEM: '1',
        ...Object.fromEntries(
          ['AUTHOR', 'COMMITTER'].flatMap((who) => [
            [`GIT_${who}_NAME`, 'a'],
            [`GIT_${who}_EMAIL`, 'a@b.example'],
            [`GIT_${who}_DATE`, `${TIME} +0000`],
          ]),
        ),
      },
    })
      .toString()
      .trim()

  const commit = (): string => {
    git('add', '--all')
    git('commit', '--quiet', '--message', 'x')
    return git('rev-parse', 'HEAD')
  }
  const put = (name: string, text: string): void => writeFileSync(join(repository, name), text)
  const source = (id: string) => exportSource(repository, { commit: id, committedAt: TIME }, to)
  const exported = (name: string): string => readFileSync(join(to, name), 'utf8')

  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'keyrealm-source-'))
    repository = join(folder, 'repository')
    to = join(folder, 'to')
    mkdirSync(join(repository, 'src/deep'), { recursive: true })
    mkdirSync(to)
    git('init', '--quiet')
    put('honest.ts', 'honest\n')
    put('src/deep/honest.ts', 'honest\n')
    put('src/run', '#!/bin/sh\n')
    chmodSync(join(repository, 'src/run'), 0o755)
  })
  afterEach(() => rmSync(folder, { recursive: true, force: true }))

  it('is every file of it, and nothing that lies beside', () => {
    const id = commit()
    put('uncommitted.ts', 'x')
    assert.deepEqual(source(id), { isProven: true })
    assert.equal(exported('honest.ts'), 'honest\n')
    assert.equal(exported('src/deep/honest.ts'), 'honest\n')
    assert.equal(exported('src/run'), '#!/bin/sh\n')
    assert.equal(existsSync(join(to, 'uncommitted.ts')), false)
  })

  it('is not what the repository was told to give out in its place', () => {
    const id = commit()
    put('honest.ts', 'evil\n')
    git('replace', id, commit())
    git('config', 'filter.evil.smudge', 'sed s/honest/evil/')
    writeFileSync(
      join(repository, '.git/info/attributes'),
      '* filter=evil\nsrc/run export-ignore\n',
    )
    source(id)
    assert.equal(exported('honest.ts'), 'honest\n')
    assert.equal(exported('src/run'), '#!/bin/sh\n')
  })

  it('is refused where an object is another than its name says, or is not there', () => {
    const id = commit()
    const blob = git('rev-parse', 'HEAD:honest.ts')
    const file = join(repository, '.git/objects', blob.slice(0, 2), blob.slice(2))
    chmodSync(file, 0o644)
    writeFileSync(file, deflateSync('blob 5\0evil\n'))
    assert.throws(() => source(id), /is another object/)
    rmSync(file)
    assert.throws(() => source(id), /does not hold/)
    assert.throws(() => source('0'.repeat(40)), /does not hold/)
    assert.throws(() => source(blob), /does not hold|is no commit/)
  })

  it('is never fetched from elsewhere: the repository names the command that would do so', () => {
    const id = commit()
    const blob = git('rev-parse', 'HEAD:honest.ts')
    rmSync(join(repository, '.git/objects', blob.slice(0, 2), blob.slice(2)))
    const mark = join(folder, 'was-run')
    for (const [name, value] of [
      ['core.repositoryFormatVersion', '1'],
      ['extensions.partialClone', 'origin'],
      ['remote.origin.promisor', 'true'],
      ['remote.origin.url', repository],
      ['remote.origin.uploadpack', `touch ${mark}; git-upload-pack`],
      ['protocol.allow', 'always'],
    ] as const) {
      git('config', name, value)
    }
    assert.throws(() => source(id), /does not hold/)
    assert.equal(existsSync(mark), false)
  })

  it('is refused with a link in it, and for another time than the commit’s', () => {
    const plain = commit()
    const later = { commit: plain, committedAt: TIME + 1 }
    assert.throws(() => exportSource(repository, later, to), /was made at/)
    symlinkSync('/etc/passwd', join(repository, 'link'))
    const id = commit()
    assert.throws(() => source(id), /link, which is no plain file/)
  })
})
