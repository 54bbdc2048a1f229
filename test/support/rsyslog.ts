// A real rsyslog with its gtls driver, as a process of its own with its own files and a port of loopback. The programs
// are those of the machine or, where apt is, Debian's packages unpacked beside our own: nothing is installed.

import { type ChildProcess, spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, globSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { connect, createServer } from 'node:net'
import { join } from 'node:path'
import { setTimeout } from 'node:timers/promises'
import type { Credential } from '../../scripts/dev/certs/issue.ts'

const CACHE = join(import.meta.dirname, '../../node_modules/.cache/rsyslog')
const PACKAGES = ['rsyslog', 'rsyslog-gnutls', 'libestr0', 'libfastjson4', 'liblognorm5']
const APT_WITHIN_MS = 60_000

interface Programs {
  readonly daemon: string
  readonly modules: string
  readonly libraries: string
}

const programsIn = (root: string): Programs | undefined => {
  const daemon = join(root, 'usr/sbin/rsyslogd')
  const [driver] = globSync(join(root, 'usr/lib/*/rsyslog/lmnsd_gtls.so'))
  if (!existsSync(daemon) || driver === undefined) return undefined
  const modules = join(driver, '..')
  return { daemon, modules, libraries: join(modules, '..') }
}

const unpack = (): Programs | undefined => {
  mkdirSync(CACHE, { recursive: true })
  const options = { cwd: CACHE, timeout: APT_WITHIN_MS, stdio: 'ignore' } as const
  if (spawnSync('apt-get', ['download', ...PACKAGES], options).status !== 0) return undefined
  for (const file of globSync('*.deb', { cwd: CACHE }))
    spawnSync('dpkg-deb', ['-x', file, 'root'], options)
  return programsIn(join(CACHE, 'root'))
}

/** Undefined where there is neither an rsyslog with gtls nor a way to fetch one. */
export const findRsyslog = (): Programs | undefined =>
  programsIn('/') ?? programsIn(join(CACHE, 'root')) ?? unpack()

export interface RsyslogOptions {
  readonly programs: Programs
  readonly folder: string
  readonly own: Credential
  /** Who may vouch for those who connect. */
  readonly authorityPem: string
  /** The one name that may connect. */
  readonly peer: string
}

export interface Rsyslog {
  readonly port: number
  start(): Promise<void>
  stop(): Promise<void>
  /** Every message it wrote, in the order of arrival. */
  messages(): readonly string[]
}

const freePort = async (): Promise<number> => {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  server.close()
  if (address === null || typeof address === 'string') throw new Error('no port')
  return address.port
}

const listens = (port: number): Promise<boolean> =>
  new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1')
    socket.once('connect', () => {
      socket.destroy()
      resolve(true)
    })
    socket.once('error', () => resolve(false))
  })

const configuration = (
  folder: string,
  port: number,
  { modules, peer }: Programs & { peer: string },
) => `
global(workDirectory="${folder}" maxMessageSize="256k"
  defaultNetstreamDriver="gtls"
  defaultNetstreamDriverCAFile="${folder}/ca.pem"
  defaultNetstreamDriverCertFile="${folder}/own.pem"
  defaultNetstreamDriverKeyFile="${folder}/own-key.pem")
main_queue(queue.type="Direct")
module(load="${modules}/imtcp.so" streamDriver.name="gtls" streamDriver.mode="1"
  streamDriver.authMode="x509/name" permittedPeer=["${peer}"])
template(name="whole" type="string" string="%rawmsg%\\n")
input(type="imtcp" port="${port}" address="127.0.0.1" ruleset="keep")
ruleset(name="keep" queue.type="Direct") {
  action(type="omfile" file="${folder}/received.log" template="whole")
}
`

const START_WITHIN_MS = 30_000
const STOP_WITHIN_MS = 10_000

/** Not started yet. */
export const createRsyslog = async (options: RsyslogOptions): Promise<Rsyslog> => {
  const { programs, folder, own, authorityPem, peer } = options
  const port = await freePort()
  mkdirSync(folder, { recursive: true })
  const put = (name: string, text: string) => writeFileSync(join(folder, name), text)
  put('ca.pem', authorityPem)
  put('own.pem', own.certificatePem)
  put('own-key.pem', own.keyPem)
  put('rsyslog.conf', configuration(folder, port, { ...programs, peer }))
  let child: ChildProcess | undefined
  return {
    port,
    async start() {
      const args = ['-n', '-f', join(folder, 'rsyslog.conf'), '-i', join(folder, 'pid')]
      const env = { LD_LIBRARY_PATH: programs.libraries, RSYSLOG_MODDIR: programs.modules }
      child = spawn(programs.daemon, [...args, '-M', programs.modules], { env, stdio: 'ignore' })
      const deadline = performance.now() + START_WITHIN_MS
      while (!(await listens(port))) {
        if (child.exitCode !== null) throw new Error(`rsyslogd ended with ${child.exitCode}`)
        if (performance.now() > deadline) throw new Error('rsyslogd does not listen')
        await setTimeout(50)
      }
    },
    async stop() {
      if (child === undefined || child.exitCode !== null) return
      const ended = once(child, 'exit')
      child.kill('SIGTERM')
      // Told while it begins, rsyslogd may close everything and then wait for ever.
      const impatient = globalThis.setTimeout(() => child?.kill('SIGKILL'), STOP_WITHIN_MS)
      await ended
      clearTimeout(impatient)
    },
    messages() {
      const file = join(folder, 'received.log')
      return existsSync(file) ? readFileSync(file, 'utf8').split('\n').slice(0, -1) : []
    },
  }
}
