// The units under a systemd that runs: both programs start in their whole sandbox, from a credential, reach each other,
// write nothing but their state, come back when killed, stop in time, and say no secret to the journal. Then, on the same
// machine, a newcomer: every line of both pages as it stands, and a message through the realm that they make.

import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { basename, dirname, join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { type BootedDebian, bootDebian } from '../support/booted-debian.ts'
import { bareDebian, leaveTheNetwork } from '../support/debian-chroot.ts'
import { buildRelease, scratchFolder } from '../support/installed-release.ts'
import {
  assertAudited,
  assertOperated,
  assertServed,
  follow,
  type PageMachine,
} from '../support/pages.ts'
import { type RunningWorld, startRunningWorld } from '../support/running-world.ts'
import { ASK, CLIENT_SECRET, furnish, PASSPHRASE } from '../support/systemd-realm.ts'

const base = bareDebian(['systemd'])
if (base !== undefined) leaveTheNetwork()
const scratch = scratchFolder()
const booted =
  base === undefined ? undefined : await bootDebian(base, join(scratch.folder, 'debian'))
if (booted === undefined) scratch.remove()
const skip = booted === undefined ? 'no systemd to start under (see above)' : false
const UNITS = ['keyrealm', 'keyrealm-core'] as const
type Unit = (typeof UNITS)[number]
const CONFIG = '--config /etc/keyrealm/appliance.json'

let debian: BootedDebian
let deb: string

const succeeded = (script: string): string => {
  const { status, stdout, stderr } = debian.run(script)
  assert.equal(status, 0, `${script}\n${stdout}${stderr}`)
  return stdout.trim()
}

const journal = (unit: string): string => succeeded(`journalctl --no-pager -o cat -u ${unit}`)

const assertReady = (): void => {
  const parts = JSON.parse(succeeded('/usr/lib/keyrealm/bin/node /root/ask.mjs'))
  assert.equal(parts.keys, 'ok', journal('keyrealm'))
  assert.equal(parts.link, 'ok', journal('keyrealm'))
}

before(() => {
  if (booted === undefined) return
  debian = booted
  const built = buildRelease(scratch.folder, 'out').deb
  deb = `/root/${basename(built)}`
  debian.write(deb, readFileSync(built))
  debian.write('/root/ask.mjs', ASK)
})
after(async () => {
  await debian?.remove()
  scratch.remove()
})

describe('the units under systemd', { skip, timeout: 300_000 }, () => {
  const property = (unit: string, name: string): string =>
    succeeded(`systemctl show ${unit} -p ${name} --value`)
  const until = (condition: string): string =>
    succeeded(`timeout 30 sh -c 'until ${condition}; do sleep 0.1; done'`)
  /** What a script says and does with the rights of a unit: the unit's own text, with another command. */
  const asUnit = (unit: Unit, script: string): string => {
    const text = readFileSync(join(debian.root, `usr/lib/systemd/system/${unit}.service`), 'utf8')
    const other = text
      .replace(/^ExecStart=(?:.*\\\n)*.*$/m, 'ExecStart=/bin/sh /usr/lib/keyrealm/probe.sh')
      .replace(/^Type=.*$/m, 'Type=oneshot\nStandardOutput=truncate:/var/log/probe')
      .replace(/^Restart=.*$/m, 'Restart=no')
    assert.notEqual(other, text)
    debian.write('/usr/lib/keyrealm/probe.sh', script)
    debian.write(`/etc/systemd/system/${unit}-probe.service`, other)
    succeeded(`systemctl daemon-reload; systemctl start ${unit}-probe`)
    const said = readFileSync(join(debian.root, 'var/log/probe'), 'utf8').trim()
    const files = [`/etc/systemd/system/${unit}-probe.service`, '/usr/lib/keyrealm/probe.sh']
    succeeded(`rm ${files.join(' ')} /var/log/probe; systemctl daemon-reload`)
    return said
  }

  it('are installed, and start nothing while there are no settings', () => {
    succeeded(`dpkg -i ${deb}`)
    for (const unit of UNITS) {
      succeeded(`systemctl start ${unit}`)
      assert.equal(property(unit, 'ActiveState'), 'inactive')
      assert.equal(property(unit, 'ConditionResult'), 'no')
    }
  })

  it('start a realm that init made, and a core; each reaches the other', () => {
    furnish(debian, scratch.folder)
    const answers = '--answers /etc/keyrealm/answers.json'
    const secret = '--passphrase-file /etc/keyrealm/init-passphrase'
    const init = `keyrealm init ${CONFIG} ${answers} ${secret}`
    assert.match(succeeded(init), /^initialized kms\.acme\.example$/m)
    succeeded('rm /etc/keyrealm/init-passphrase /etc/keyrealm/identity.key; touch /root/served')
    succeeded('systemctl enable --now keyrealm-core keyrealm')
    assertReady()
    // Only the service is given the credential: preflight says so, and looks at the rest.
    const { stdout } = debian.run(`keyrealm preflight ${CONFIG}`)
    assert.match(stdout, /\(unlock\.credential-elsewhere\).*^\d errors/ms)
  })

  it('are joined by a command that leaves root at once, and makes nothing that the service cannot read', () => {
    const key = '/var/lib/keyrealm/probe.key'
    succeeded(`umask 022; cd /root; keyrealm recovery-key --out ${key}`)
    assert.equal(succeeded(`stat -c '%U:%G %a' ${key}; rm ${key}`), 'keyrealm:keyrealm 600')
    const refused = (command: string): string => {
      const { status, stderr } = debian.run(command)
      assert.notEqual(status, 0, command)
      return stderr
    }
    assert.match(
      refused('keyrealm recovery-key --out /root/key'),
      /\(EACCES\)\n.* the user keyrealm/,
    )
    // The core's command is the core's user, who has nothing of the realm's.
    const foreign = refused('keyrealm core --config /etc/keyrealm/appliance.json')
    assert.match(foreign, /appliance\.json: cannot be read/)
  })

  it('give each process no right, and a system of its own', () => {
    for (const unit of UNITS) {
      const at = `/proc/${property(unit, 'MainPID')}`
      const status = succeeded(`cat ${at}/status`)
      assert.match(status, /^CapEff:\s0+$/m)
      assert.match(status, /^CapBnd:\s0+$/m)
      assert.match(status, /^NoNewPrivs:\s1$/m)
      assert.match(status, /^Seccomp:\s2$/m)
      assert.match(status, /^Umask:\s0077$/m)
      assert.match(succeeded(`cat ${at}/limits`), /^Max core file size +0 +0 /m)
      // Root, and the unit's own user: everybody else is nobody.
      assert.equal(succeeded(`cat ${at}/uid_map`).split('\n').length, 2)
      for (const space of ['mnt', 'user', 'uts', 'ipc']) {
        const [own, first] = [at, '/proc/1'].map((of) => succeeded(`readlink ${of}/ns/${space}`))
        assert.notEqual(own, first, space)
      }
    }
    // The one call beyond the usual ones: handshakes stand back.
    const threads = `/proc/${property('keyrealm', 'MainPID')}/task/*/stat`
    assert.match(succeeded(`sed 's/.*) //' ${threads} | cut -d ' ' -f 17`), /^10$/m)
    if (!debian.controllers.includes('memory')) {
      console.log(
        '# MemorySwapMax= cannot hold here: this machine’s cgroup2 has no memory controller',
      )
    }
  })

  it('let each write its state, and nothing that another service sees', () => {
    const find = "find / -path /proc -prune -o -writable ! -type l ! -type s ! -path '/dev/*'"
    for (const unit of UNITS) {
      const said = asUnit(unit, `${find} -print 2>/dev/null; true`)
      const state = `/var/lib/${unit}`
      const writable = said.split('\n').filter((path) => !path.startsWith(`${state}/`))
      assert.deepEqual(writable.sort(), ['/tmp', state, '/var/tmp'])
      const devices = asUnit(unit, 'find /dev -writable ! -type l ! -type c 2>/dev/null; true')
      assert.equal(devices, '')
      assert.equal(asUnit(unit, "ls /proc | grep '^[a-z]'"), 'self\nthread-self')
    }
  })

  it('let neither read what is not its own', () => {
    const secrets = '/etc/keyrealm/credentials/passphrase /etc/shadow /root/ask.mjs'
    const others: Readonly<Record<Unit, string>> = {
      keyrealm: '/var/lib/keyrealm-core/core.key /etc/keyrealm-core/core.json',
      'keyrealm-core': '/var/lib/keyrealm/main-key.sealed /etc/keyrealm/appliance.json',
    }
    const tried = (unit: Unit): string =>
      asUnit(unit, `for f in ${secrets} ${others[unit]}; do cat $f && echo; done 2>/dev/null; true`)
    assert.equal(tried('keyrealm'), '')
    assert.equal(tried('keyrealm-core'), '')
    const credential = 'stat -c "%a %U" $CREDENTIALS_DIRECTORY/passphrase'
    assert.equal(asUnit('keyrealm', credential), '400 keyrealm')
  })

  it('start the realm again when it is killed, and the log says so', () => {
    succeeded('systemctl kill -s KILL keyrealm')
    until('[ "$(systemctl show keyrealm -p NRestarts --value)" = 1 ]')
    assertReady()
    const log = succeeded(`keyrealm audit show ${CONFIG}`)
    assert.match(log, /"previousStop":"unclean"/)
  })

  it('stop both in time, with nothing written elsewhere, and no secret in the journal', () => {
    const token = succeeded('cat /var/lib/keyrealm/admin.token')
    succeeded('systemctl stop keyrealm keyrealm-core')
    for (const unit of UNITS) {
      assert.equal(property(unit, 'Result'), 'success')
      assert.equal(property(unit, 'ExecMainStatus'), '0')
    }
    const owned = '\\( -user keyrealm -o -user keyrealm-core \\)'
    const written = `find / -xdev -newer /root/served ${owned} ! -path '/var/lib/keyrealm*' -print`
    assert.equal(succeeded(written), '')
    const said = succeeded('journalctl --no-pager -o export')
    assert.match(said, /process\.ready/)
    for (const secret of [PASSPHRASE, CLIENT_SECRET, token, 'PRIVATE KEY']) {
      assert.ok(!said.includes(secret))
    }
  })

  it('start no realm whose credential is missing, and a locked one if its settings name none', () => {
    succeeded('rm /etc/keyrealm/credentials/passphrase; systemctl start keyrealm')
    until('systemctl show keyrealm -p SubState | grep -q auto-restart')
    assert.match(journal('keyrealm'), /config\.secret-empty/)
    const settings = '/etc/keyrealm/appliance.json'
    const { unlock, ...others } = JSON.parse(readFileSync(join(debian.root, settings), 'utf8'))
    const { passphrase, ...locked } = unlock
    debian.write(settings, JSON.stringify({ ...others, unlock: locked }))
    succeeded('systemctl restart keyrealm')
    until('journalctl -u keyrealm | grep -q realm.starts-locked')
    assert.equal(property('keyrealm', 'ActiveState'), 'active')
  })

  it('are not tried again when their settings cannot be used', () => {
    const settings = { keyrealm: 'appliance.json', 'keyrealm-core': 'core.json' }
    for (const [unit, name] of Object.entries(settings)) {
      succeeded(`cd /etc/${unit}; mv ${name} good; echo "{}" > ${name}; systemctl restart ${unit}`)
      until(`systemctl is-failed -q ${unit}`)
      assert.equal(property(unit, 'ExecMainStatus'), '78')
      succeeded(`cd /etc/${unit}; mv good ${name}`)
    }
    succeeded('systemctl restart keyrealm')
  })

  it('run the new program after an upgrade, and go with the package', () => {
    const before = property('keyrealm', 'MainPID')
    succeeded(`dpkg -i ${deb}`)
    assert.equal(property('keyrealm', 'ActiveState'), 'active')
    assert.notEqual(property('keyrealm', 'MainPID'), before)
    const removed = debian.run('dpkg -P keyrealm')
    assert.equal(removed.status, 0, removed.stderr)
    assert.equal(debian.run('getent passwd keyrealm keyrealm-core').stdout, '')
    assert.equal(property('keyrealm', 'LoadState'), 'not-found')
    assert.equal(debian.run('ls /proc/[0-9]*/exe | xargs -n1 readlink | grep keyrealm').stdout, '')
  })
})

/** The auditor's own machine has Node and a checkout, and the medium that was carried there. */
const AUDITOR = 'mount --bind "$1/media" /media; exec sh -euc "$2"'

const asAuditor = (line: string): string => {
  const { status, stdout, stderr } = spawnSync(
    'unshare',
    ['--mount', 'sh', '-euc', AUDITOR, 'sh', debian.root, line],
    {
      cwd: join(import.meta.dirname, '../..'),
      encoding: 'utf8',
      env: { PATH: `${dirname(process.execPath)}:/usr/bin:/bin` },
      timeout: 60_000,
    },
  )
  assert.equal(status, 0, `${line}\n${stdout}${stderr}`)
  return stdout
}

const machine: PageMachine = {
  line: async (line) =>
    /^(?:node|cp) /.test(line) ? asAuditor(line) : succeeded(`umask 022; cd /root; ${line}`),
  read: (path) => readFileSync(join(debian.root, path), 'utf8'),
  write: (path, text) => debian.write(path, text),
}

describe('a newcomer', { skip, timeout: 300_000 }, () => {
  let world: RunningWorld
  before(async () => {
    debian.run('dpkg -P keyrealm')
    world = await startRunningWorld()
    await world.realm.stop()
  })
  after(() => world?.close())

  it('gets by the operator’s page, from nothing, to an encrypted message between two clients', async (t) => {
    const began = performance.now()
    const seconds = (): number => Math.round((performance.now() - began) / 1000)
    assertOperated(await follow('OPERATING.md', { machine, world }))
    const page = seconds()
    assertReady()
    await assertServed(world)
    t.diagnostic(
      `the page took ${page} s of machine time, and the message came after ${seconds()} s`,
    )
  })

  it('is given by the auditor’s page the verdicts that it promises', async () => {
    assertAudited(await follow('AUDITING.md', { machine, world }))
  })
})
