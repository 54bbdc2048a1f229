// What a release installs beside the program holds together: units, templates, manual page, completion.

import assert from 'node:assert/strict'
import { execFileSync, spawnSync } from 'node:child_process'
import {
  chownSync,
  copyFileSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, it } from 'node:test'
import { commandTree, leavesOf } from '../../../scripts/releasing/command-tree.ts'
import { bashCompletion } from '../../../scripts/releasing/completion.ts'
import { manualPage } from '../../../scripts/releasing/manual-page.ts'
import { loadSettings } from '../../../src/config/index.ts'
import { parseSettings } from '../../../src/core/config.ts'

const PACKAGING = join(import.meta.dirname, '../../../packaging')
const read = (...names: readonly string[]): string =>
  readFileSync(join(PACKAGING, ...names), 'utf8')
const UNITS = ['keyrealm.service', 'keyrealm-core.service'] as const
const EXPOSURE_MAX = '20'

const hasSystemd = spawnSync('systemd-analyze', ['--version']).status === 0
const skip = hasSystemd ? false : 'systemd-analyze is not installed'

describe('systemd units', () => {
  it('are rated 2.0 or better', { skip }, () => {
    for (const unit of UNITS) {
      const args = ['security', '--offline=true', `--threshold=${EXPOSURE_MAX}`]
      const { status, stdout } = spawnSync('systemd-analyze', [
        ...args,
        join(PACKAGING, 'systemd', unit),
      ])
      assert.equal(status, 0, String(stdout).slice(-200))
    }
  })

  it('write nothing but their state, keep no core dump, and share no user', () => {
    const [realm, core] = UNITS.map((unit) => read('systemd', unit))
    for (const unit of [realm, core]) {
      assert.match(unit ?? '', /^ProtectSystem=strict$/m)
      assert.match(unit ?? '', /^LimitCORE=0$/m)
      assert.match(unit ?? '', /^CapabilityBoundingSet=$/m)
      assert.doesNotMatch(unit ?? '', /^ReadWritePaths=/m)
    }
    assert.match(realm ?? '', /^User=keyrealm$/m)
    assert.equal(core?.match(/--allow-fs-write=/g)?.length, 1)
    assert.doesNotMatch(core ?? '', /--allow-child-process/)
    assert.match(core ?? '', /^User=keyrealm-core$/m)
    assert.match(realm ?? '', /^LoadCredential=passphrase:/m)
    assert.doesNotMatch(core ?? '', /LoadCredential|fs-(?:read|write)=\/var\/lib\/keyrealm /)
  })
})

describe('the command', () => {
  it('hands nothing to Node that was meant for other programs', () => {
    const tree = mkdtempSync(join(tmpdir(), 'keyrealm-command-'))
    try {
      const [bin, own] = [join(tree, 'bin'), join(tree, 'lib/keyrealm/bin')]
      for (const folder of [bin, own]) mkdirSync(folder, { recursive: true })
      copyFileSync(join(PACKAGING, 'keyrealm'), join(bin, 'keyrealm'))
      writeFileSync(join(own, 'node'), '#!/bin/sh\nenv\n', { mode: 0o755 })
      const env = {
        PATH: process.env['PATH'] ?? '',
        CREDENTIALS_DIRECTORY: '/kept',
        NODE_OPTIONS: '--import=/tmp/x.mjs',
        NODE_TLS_REJECT_UNAUTHORIZED: '0',
        NODE_COMPILE_CACHE: '/tmp',
        LD_LIBRARY_PATH: '/tmp',
        OPENSSL_CONF: '/tmp/openssl.cnf',
        SSL_CERT_FILE: '/tmp/ca.pem',
        ODD: 'two\nNODE_DEBUG=lines',
      }
      const said = spawnSync('sh', [join(bin, 'keyrealm')], { env, encoding: 'utf8' })
      assert.equal(said.status, 0, said.stderr)
      assert.match(said.stdout, /^CREDENTIALS_DIRECTORY=\/kept$/m)
      const names = said.stdout.replace(env.ODD, '')
      assert.doesNotMatch(names, /^(?:NODE|LD|OPENSSL|SSL)_/m)
    } finally {
      rmSync(tree, { recursive: true })
    }
  })
})

describe('the maintainer scripts', () => {
  /** Of the package, for a tree below `root`; whoever makes users and changes owners has nothing to say. */
  const configure = (root: string) => {
    const bin = join(root, 'bin')
    mkdirSync(bin)
    for (const name of ['adduser', 'install', 'systemctl']) {
      writeFileSync(join(bin, name), '#!/bin/sh\n', { mode: 0o755 })
    }
    const script = read('debian', 'postinst').replaceAll(/\/(?:etc|var|run)\//g, `${root}$&`)
    const env = { PATH: `${bin}:/usr/bin:/bin` }
    return spawnSync('sh', ['-c', script, 'postinst', 'configure'], { env, encoding: 'utf8' })
  }
  const SERVICE_UID = 64_999
  const isRoot = process.getuid?.() === 0

  const refused: readonly (readonly [what: string, make: (path: string) => void])[] = [
    ['a link', (path) => symlinkSync('/tmp', path)],
    [
      'a folder of the service’s own',
      (path) => {
        mkdirSync(path)
        if (isRoot) chownSync(path, SERVICE_UID, SERVICE_UID)
      },
    ],
  ]
  for (const [what, make] of refused) {
    it(`take no credentials from ${what}, as systemd would read them as root`, (t) => {
      const root = mkdtempSync(join(tmpdir(), 'keyrealm-postinst-'))
      t.after(() => rmSync(root, { recursive: true }))
      mkdirSync(join(root, 'etc/keyrealm'), { recursive: true })
      make(join(root, 'etc/keyrealm/credentials'))
      const { status, stderr } = configure(root)
      assert.equal(status, 1)
      assert.match(stderr, /credentials is not a folder of root.s own/)
    })
  }

  it('make the folder of credentials where there is none', (t) => {
    const root = mkdtempSync(join(tmpdir(), 'keyrealm-postinst-'))
    t.after(() => rmSync(root, { recursive: true }))
    mkdirSync(join(root, 'etc/keyrealm'), { recursive: true })
    const { status, stderr } = configure(root)
    assert.equal(status, 0, stderr)
    assert.equal(statSync(join(root, 'etc/keyrealm/credentials')).mode & 0o777, 0o700)
  })

  it('leave what root put beside the settings out of the service’s reach', () => {
    // Group-writable, so sticky: else the service's user could put its own folder in the place of the credentials.
    const script = read('debian', 'postinst')
    assert.match(script, /install -d -m 1770 -o root -g "\$1" "\/etc\/\$1"/)
  })
})

describe('Node’s permission model', () => {
  it('still refuses to flush, so that the realm cannot have it', () => {
    const script = "require('node:fs').fdatasync(1, (error) => console.log(error.code))"
    const { stdout } = spawnSync(process.execPath, ['--permission', '-e', script])
    assert.equal(String(stdout).trim(), 'ERR_ACCESS_DENIED')
  })
})

describe('templates of the settings', () => {
  it('are settings that both programs accept', () => {
    const settings = loadSettings(join(PACKAGING, 'config/appliance.json'))
    assert.equal(settings.realm.stateDirectory, '/var/lib/keyrealm')
    assert.deepEqual(settings.unlock.passphrase, { credential: 'passphrase' })
    assert.equal(parseSettings(JSON.parse(read('config/core.json'))).health.port, 9111)
  })
})

describe('manual page and completion', () => {
  const tree = commandTree('0.1.0')

  it('know every command that there is', () => {
    const page = manualPage(tree, { version: '0.1.0', committedAt: 1_795_000_000 })
    for (const { words } of leavesOf(tree)) {
      assert.ok(
        page.includes(`.B keyrealm ${words.join(' ').replaceAll('-', '\\-')}\n`),
        words.join(' '),
      )
    }
  })

  it('complete words and options in bash', () => {
    const folder = mkdtempSync(join(tmpdir(), 'keyrealm-completion-'))
    try {
      const file = join(folder, 'completion')
      writeFileSync(file, bashCompletion(tree))
      const ask = (...typed: readonly string[]): readonly string[] => {
        const words = typed.map((word) => `'${word}'`).join(' ')
        const script = `. '${file}'; COMP_WORDS=(keyrealm ${words}); COMP_CWORD=${typed.length}; _keyrealm; echo "\${COMPREPLY[@]}"`
        return execFileSync('bash', ['-c', script]).toString().trim().split(' ')
      }
      assert.ok(ask('au').includes('audit'))
      assert.ok(ask('audit', 'ver').includes('verify'))
      assert.ok(ask('version', '--dig').includes('--digests'))
      assert.deepEqual(ask('co').toSorted(), ['config', 'core'])
    } finally {
      rmSync(folder, { recursive: true })
    }
  })
})
