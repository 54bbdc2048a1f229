// The package in a bare Debian: no Node, no network. It installs, starts with the rights of its unit as far as a chroot
// has them, serves the interop suite, is upgraded with all keys, refuses the older release put back, and leaves nothing
// behind when purged.

import assert from 'node:assert/strict'
import { readFileSync, rmSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { makeDevelopmentCertificates } from '../../scripts/make-dev-certs.ts'
import {
  bareDebian,
  type Chroot,
  copyInto,
  leaveTheNetwork,
  openChroot,
} from '../support/debian-chroot.ts'
import {
  type BuiltRelease,
  buildRelease,
  nextVersion,
  scratchFolder,
} from '../support/installed-release.ts'
import { readUnit, underUnit } from '../support/installed-unit.ts'
import { type InstalledWorld, openInstalledWorld } from '../support/installed-world.ts'

const base = bareDebian()
const skip = base === undefined ? 'no Debian to install into (see above)' : false
if (base !== undefined) leaveTheNetwork()

const DOMAIN = 'kms.acme.example'
const NEXT = '99.0.0'
const CREDENTIALS = '/run/credentials/keyrealm.service'

/** The realm's unit; or another command than to serve, with its rights. */
const asUnit = ({ root }: Chroot, ...command: readonly string[]): readonly string[] => {
  const words = underUnit(readUnit(root, 'keyrealm'), command.length > 0 ? { command } : {})
  return ['env', `CREDENTIALS_DIRECTORY=${CREDENTIALS}`, ...words]
}

/** What the health listener says, asked from inside by the Node that was installed; then the realm is told to stop. */
const ASK = `
  import { setTimeout } from 'node:timers/promises'
  const ask = async (path) => (await fetch('http://127.0.0.1:9101' + path)).json()
  for (let left = 300; ; left--) {
    const answer = await ask('/healthz').catch((error) => left > 0 ? undefined : Promise.reject(error))
    if (answer) break
    await setTimeout(100)
  }
  console.log(JSON.stringify({ live: await ask('/healthz'), ready: await ask('/readyz'), version: await ask('/version') }))
`

const NOTHING = '0'.repeat(16)
const NO_RIGHTS = {
  ...{ CapEff: NOTHING, CapPrm: NOTHING, CapBnd: NOTHING, CapInh: NOTHING, CapAmb: NOTHING },
  ...{ NoNewPrivs: '1', Groups: '', Umask: '0077', core: '0,0' },
}

interface Said {
  readonly live: { readonly status: string }
  readonly ready: { readonly parts: Readonly<Record<string, string>> }
  readonly version: Readonly<Record<string, string>>
}

const SERVE_ONCE = `
  "$@" > /tmp/serve.log 2>&1 &
  realm=$!
  /usr/lib/keyrealm/bin/node /tmp/ask.mjs || { kill -KILL $realm; cat /tmp/serve.log >&2; exit 1; }
  kill -TERM $realm
  wait $realm
`

const serveOnce = (chroot: Chroot): Said => {
  chroot.write('/tmp/ask.mjs', ASK)
  const { status, stdout, stderr } = chroot.run(SERVE_ONCE, ...asUnit(chroot))
  assert.equal(status, 0, stderr)
  return JSON.parse(stdout)
}

const listing = (chroot: Chroot): readonly string[] => {
  const { stdout } = chroot.run('find / -xdev -path /proc -prune -o -print')
  // What dpkg itself keeps of every package that ever was, and logs.
  const kept =
    /^\/(?:var\/lib\/dpkg|var\/log|var\/cache|tmp|run|etc\/(?:passwd|group|shadow|gshadow|subuid|subgid)-?$)/
  return stdout.split('\n').filter((path) => !kept.test(path))
}

describe('the Debian package', { skip }, () => {
  const scratch = scratchFolder()
  let chroot: Chroot
  let first: BuiltRelease
  let next: BuiltRelease
  let bare: readonly string[]
  let realmKeys: string
  let world: InstalledWorld | undefined

  const succeeded = (script: string, ...words: readonly string[]): string => {
    const { status, stdout, stderr } = chroot.run(script, ...words)
    assert.equal(status, 0, stderr)
    return stdout
  }

  before(() => {
    first = buildRelease(scratch.folder, 'first')
    const root = nextVersion(scratch.folder, NEXT)
    next = buildRelease(scratch.folder, 'next', { root, log: join(first.out, 'evidence/log') })
    rmSync(root, { recursive: true, force: true })
    chroot = openChroot(base ?? '', join(scratch.folder, 'debian'))
    copyInto(chroot, first.deb, '/tmp/first.deb')
    copyInto(chroot, next.deb, '/tmp/next.deb')
    bare = listing(chroot)
  })
  after(async () => {
    await world?.close()
    chroot?.remove()
    scratch.remove()
  })

  it('installs where there is no Node, and dpkg finds every file as it was', () => {
    assert.notEqual(chroot.run('command -v node').status, 0)
    assert.equal(succeeded("sed '1,2d; s/:.*//' /proc/net/dev").trim(), 'lo')
    succeeded('dpkg -i /tmp/first.deb')
    assert.equal(succeeded('dpkg -V keyrealm'), '')
    assert.match(succeeded('keyrealm version'), /^\d+\.\d+\.\d+$/m)
    assert.match(succeeded('stat -c "%U %a" /var/lib/keyrealm'), /^keyrealm 700$/m)
    assert.match(succeeded('stat -c "%U:%G %a" /etc/keyrealm'), /^root:keyrealm 1770$/m)
    const users = succeeded('getent passwd keyrealm keyrealm-core')
    assert.equal(users.match(/nologin$/gm)?.length, 2)
  })

  it('gives its program nothing to write but the state', () => {
    const owned = succeeded(
      'find / -xdev -path /proc -prune -o \\( -user keyrealm -o -group keyrealm \\) -print',
    )
    assert.deepEqual(owned.trim().split('\n').sort(), ['/etc/keyrealm', '/var/lib/keyrealm'])
  })

  it('becomes a realm, as an operator makes one', () => {
    const template = join(chroot.root, 'usr/share/keyrealm/appliance.json')
    const release = { require: 'logged', signersFile: '/etc/keyrealm/signers.json' }
    const settings = { ...JSON.parse(readFileSync(template, 'utf8')), release }
    chroot.write('/etc/keyrealm/appliance.json', JSON.stringify(settings))
    chroot.write('/etc/keyrealm/signers.json', readFileSync(first.signersFile))
    const [certificates] = makeDevelopmentCertificates({
      directory: join(scratch.folder, 'certificates'),
      realms: [{ name: 'acme', domain: DOMAIN }],
    }).realms
    assert.ok(certificates !== undefined)
    const { identity, coreClient: link } = certificates
    chroot.write('/etc/keyrealm/core-ca.pem', readFileSync(link.chainFile))
    chroot.write('/etc/keyrealm/link.pem', readFileSync(link.chainFile))
    chroot.write('/var/lib/keyrealm/link.key', readFileSync(link.keyFile), 0o600)
    chroot.write('/var/lib/keyrealm/identity.key', readFileSync(identity.keyFile), 0o600)
    chroot.write('/var/lib/keyrealm/identity.pem', readFileSync(identity.chainFile))
    chroot.write(`${CREDENTIALS}/passphrase`, 'correct horse battery staple', 0o400)
    succeeded(`chown -R keyrealm:keyrealm /var/lib/keyrealm ${CREDENTIALS}`)
    const asOperator = (...command: readonly string[]): string =>
      succeeded('"$@"', ...asUnit(chroot, ...command, '--config', '/etc/keyrealm/appliance.json'))
    assert.match(asOperator('init'), /^initialized kms\.acme\.example$/m)
    const [key, chain] = ['/var/lib/keyrealm/identity.key', '/var/lib/keyrealm/identity.pem']
    asOperator('identity', 'import', '--key', key, '--chain', chain)
    succeeded('rm /var/lib/keyrealm/identity.key /var/lib/keyrealm/identity.pem')
    realmKeys = succeeded('sha256sum /var/lib/keyrealm/main-key.sealed')
  })

  it('serves with the rights of its unit: alive, unlocked, and saying what it is', () => {
    const said = serveOnce(chroot)
    assert.deepEqual(said.live, { status: 'live' })
    assert.equal(said.ready.parts['keys'], 'ok')
    assert.equal(said.ready.parts['store'], 'ok')
    assert.equal(said.ready.parts['log'], 'ok')
    const manifest = succeeded('sha256sum /usr/lib/keyrealm/release/manifest.json').split(' ')[0]
    assert.equal(said.version['manifestSha256'], manifest)
  })

  it('holds the core by Node’s permissions to what its unit names', () => {
    const probe = `
      import { readFileSync, writeFileSync } from 'node:fs'
      import { spawnSync } from 'node:child_process'
      const tried = [
        () => readFileSync('/etc/shadow'),
        () => readFileSync('/var/lib/keyrealm/main-key.sealed'),
        () => writeFileSync('/var/lib/keyrealm/x', ''),
        () => spawnSync('true'),
      ]
      console.log(tried.map((one) => { try { one(); return 'done' } catch (error) { return error.code } }).join())
    `
    // Beside the program, so that it may be read; the unit's own options, on another script, and as root.
    chroot.write('/usr/lib/keyrealm/probe.mjs', probe)
    const { node } = readUnit(chroot.root, 'keyrealm-core')
    const said = succeeded('"$@"', ...node, '/usr/lib/keyrealm/probe.mjs').trim()
    succeeded('rm /usr/lib/keyrealm/probe.mjs')
    assert.equal(said, Array(4).fill('ERR_ACCESS_DENIED').join())
  })

  it('serves clients that nobody here wrote: the interop suite, unmodified', async () => {
    world = await openInstalledWorld(chroot.root)
    await world.start()
    const { code, output } = await world.interop()
    assert.equal(code, 0, output)
    const counted = (word: string): number =>
      Number(new RegExp(`^\\S* ?${word} (\\d+)$`, 'm').exec(output)?.[1])
    assert.equal(counted('pass'), counted('tests'), output)
    assert.ok(counted('pass') > 150, output)
  })

  it('has served them as the users of its units, from inside, and without a right', () => {
    // Not one more: what the suite killed is dead.
    const processes = world?.processes() ?? []
    assert.deepEqual(processes.map(({ user }) => user).sort(), [
      'keyrealm',
      'keyrealm',
      'keyrealm-core',
    ])
    for (const { isInside, writable, rights, command, user } of processes) {
      assert.ok(isInside)
      assert.deepEqual(rights, NO_RIGHTS)
      const config = command.split(' ').at(-1) ?? ''
      assert.deepEqual(writable, ['/proc', '/tmp', dirname(config)])
      const { node } = readUnit(chroot.root, user === 'keyrealm' ? user : 'keyrealm-core')
      assert.ok(command.startsWith(node.join(' ')), command)
    }
  })

  it('is upgraded with all keys, and the next release starts on them', async () => {
    assert.ok(world !== undefined)
    const before = await world.readAll()
    assert.ok(before.length > 50, `${before.length} messages`)
    await world.stop()
    succeeded('dpkg -i /tmp/next.deb')
    await world.start()
    assert.deepEqual(await world.versions(), [NEXT, NEXT])
    assert.deepEqual(await world.readAll(), before)
    await world.close()
    assert.equal(succeeded('keyrealm version').trim(), NEXT)
    assert.equal(succeeded('sha256sum /var/lib/keyrealm/main-key.sealed'), realmKeys)
    const said = serveOnce(chroot)
    assert.equal(said.version['version'], NEXT)
    assert.equal(said.ready.parts['keys'], 'ok')
  })

  it('does not start as the older release put back', () => {
    succeeded('dpkg -i /tmp/first.deb')
    const { status, stderr } = chroot.run('"$@"', ...asUnit(chroot))
    assert.equal(status, 1)
    assert.match(stderr, /release\.rolled-back/)
  })

  it('keeps settings and keys when removed, and leaves nothing when purged', () => {
    succeeded('dpkg -r keyrealm')
    assert.equal(succeeded('sha256sum /var/lib/keyrealm/main-key.sealed'), realmKeys)
    succeeded('test -e /etc/keyrealm/appliance.json')
    succeeded('dpkg -P keyrealm')
    assert.deepEqual(
      listing(chroot).filter((path) => !bare.includes(path)),
      [],
    )
    assert.equal(chroot.run('getent passwd keyrealm keyrealm-core').stdout, '')
    assert.equal(chroot.run('getent group keyrealm keyrealm-core').stdout, '')
  })
})
