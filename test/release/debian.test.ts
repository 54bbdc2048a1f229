// The package in a bare Debian: no Node, no network. It installs, starts with the rights of its unit as far as a chroot
// has them, is upgraded with all keys, refuses the older release put back, and leaves nothing behind when purged.

import assert from 'node:assert/strict'
import { readFileSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { after, before, describe, it } from 'node:test'
import { makeDevelopmentCertificates } from '../../scripts/make-dev-certs.ts'
import { bareDebian, type Chroot, copyInto, openChroot } from '../support/debian-chroot.ts'
import {
  type BuiltRelease,
  buildRelease,
  nextVersion,
  scratchFolder,
} from '../support/installed-release.ts'

const base = bareDebian()
const skip = base === undefined ? 'no Debian to install into (see above)' : false
const DOMAIN = 'kms.acme.example'
const NEXT = '99.0.0'
const CREDENTIALS = '/run/credentials/keyrealm.service'

const commandOf = ({ root }: Chroot, name: string): string => {
  const unit = readFileSync(join(root, `usr/lib/systemd/system/${name}.service`), 'utf8')
  const [, start = ''] = /^ExecStart=((?:.*\\\n)*.*)$/m.exec(unit) ?? []
  return start.replaceAll('\\\n', ' ').trim()
}

/** The unit's own command, and those of its settings that need no systemd: user, rights, umask, core dumps. */
const asUnit = (chroot: Chroot, command?: string): string => {
  const words = commandOf(chroot, 'keyrealm')
  const rights =
    'setpriv --reuid keyrealm --regid keyrealm --clear-groups --no-new-privs --bounding-set=-all'
  const asked = command === undefined ? words : words.replace(/ serve .*$/, ` ${command}`)
  return `umask 0077; ulimit -c 0; export CREDENTIALS_DIRECTORY=${CREDENTIALS}; cd /; exec ${rights} ${asked}`
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

interface Served {
  readonly said: {
    readonly live: { readonly status: string }
    readonly ready: { readonly parts: Readonly<Record<string, string>> }
    readonly version: Readonly<Record<string, string>>
  }
  readonly code: number
}

const serveOnce = async (chroot: Chroot): Promise<Served> => {
  chroot.write('/tmp/ask.mjs', ASK)
  const script = `
    (${asUnit(chroot)}) > /tmp/serve.log 2>&1 &
    realm=$!
    /usr/lib/keyrealm/bin/node /tmp/ask.mjs || { cat /tmp/serve.log >&2; exit 1; }
    kill -TERM $realm
    wait $realm
  `
  const child = chroot.runAlone(script)
  const { stdout, stderr } = child
  assert.ok(stdout !== null && stderr !== null)
  const ended = new Promise<number>((resolve) => child.once('close', (code) => resolve(code ?? -1)))
  const [out, error] = await Promise.all([text(stdout), text(stderr)])
  const code = await ended
  assert.equal(code, 0, error)
  return { said: JSON.parse(out), code }
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

  const succeeded = (script: string): string => {
    const { status, stdout, stderr } = chroot.run(script)
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
  after(() => {
    chroot?.remove()
    scratch.remove()
  })

  it('installs where there is no Node, and dpkg finds every file as it was', () => {
    assert.notEqual(chroot.run('command -v node').status, 0)
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
    const settingsFile = '--config /etc/keyrealm/appliance.json'
    assert.match(
      succeeded(asUnit(chroot, `init ${settingsFile}`)),
      /^initialized kms\.acme\.example$/m,
    )
    const material = '--key /var/lib/keyrealm/identity.key --chain /var/lib/keyrealm/identity.pem'
    succeeded(asUnit(chroot, `identity import ${material} ${settingsFile}`))
    succeeded('rm /var/lib/keyrealm/identity.key /var/lib/keyrealm/identity.pem')
    realmKeys = succeeded('sha256sum /var/lib/keyrealm/main-key.sealed')
  })

  it('serves with the rights of its unit: alive, unlocked, and saying what it is', async () => {
    const { said } = await serveOnce(chroot)
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
    const words = commandOf(chroot, 'keyrealm-core').replace(/\S+keyrealm\.mjs .*$/, '')
    const said = succeeded(`${words} /usr/lib/keyrealm/probe.mjs`).trim()
    succeeded('rm /usr/lib/keyrealm/probe.mjs')
    assert.equal(said, Array(4).fill('ERR_ACCESS_DENIED').join())
  })

  it('is upgraded with all keys, and the next release starts on them', async () => {
    succeeded('dpkg -i /tmp/next.deb')
    assert.equal(succeeded('keyrealm version').trim(), NEXT)
    assert.equal(succeeded('sha256sum /var/lib/keyrealm/main-key.sealed'), realmKeys)
    const { said } = await serveOnce(chroot)
    assert.equal(said.version['version'], NEXT)
    assert.equal(said.ready.parts['keys'], 'ok')
  })

  it('does not start as the older release put back', () => {
    succeeded('dpkg -i /tmp/first.deb')
    const { status, stderr } = chroot.run(asUnit(chroot))
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
