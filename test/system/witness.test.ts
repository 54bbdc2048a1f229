// A running realm and a witness that nobody here wrote: torchwood's litewitness (Go) co-signs its checkpoints, and
// torchwood's verifier accepts what the realm co-signs as a witness itself. Skipped, with a notice, without Go.

import assert from 'node:assert/strict'
import { type ChildProcess, execFileSync, spawn, spawnSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import Sqlite from 'better-sqlite3'
import type { LogStatus } from '../../src/admin/index.ts'
import {
  formatVkey,
  leafHash,
  openCheckpoint,
  parseNote,
  parseVkey,
  signCheckpoint,
  verifierKeyOf,
} from '../../src/audit/index.ts'
import { generateSigningKey, signingKeyFrom } from '../../src/crypto/index.ts'
import { startRunningWorld } from '../support/running-world.ts'
import { someWitnessKeys } from '../support/witnesses.ts'
import { until } from './flow.ts'

const MODULE = join(import.meta.dirname, '../independent/witness')
const VERIFIER = join(import.meta.dirname, '../../verifier/audit-verify.mjs')
const NAME = 'stranger.example/witness'

/** Another realm's log of one entry, of which this realm is told to be a witness. */
const example = signingKeyFrom('ed25519', generateSigningKey('ed25519'))
const EXAMPLE_LOG = { origin: 'example.test/log', size: 1, root: leafHash(Buffer.from('entry')) }
const EXAMPLE_KEY = formatVkey(verifierKeyOf(EXAMPLE_LOG.origin, example))
const EXAMPLE = signCheckpoint(EXAMPLE_LOG, [example], 0)
const NOBODY = formatVkey(someWitnessKeys('nobody.example/witness').verifiers[0])

const folder = mkdtempSync(join(tmpdir(), 'krw-'))
const children: ChildProcess[] = []
after(() => {
  for (const child of children) child.kill()
  rmSync(folder, { recursive: true, force: true })
})

/** Both programs, built; Go's own cache makes the second time quick. */
const build = (): boolean => {
  try {
    for (const name of ['.', 'filippo.io/torchwood/cmd/litewitness']) {
      const out = join(folder, name === '.' ? 'judge' : 'litewitness')
      const options = { cwd: MODULE, stdio: 'pipe', timeout: 240_000 } as const
      execFileSync('go', ['build', '-mod=readonly', '-o', out, name], options)
    }
    execFileSync('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-f', join(folder, 'key')])
    return true
  } catch {
    return false
  }
}

const freePort = async (): Promise<number> => {
  const server = createServer()
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const address = server.address()
  await new Promise((resolve) => server.close(resolve))
  return typeof address === 'object' ? (address?.port ?? 0) : 0
}

const run = (program: string, args: readonly string[], environment = {}) => {
  const child = spawn(program, args, { cwd: folder, env: { ...process.env, ...environment } })
  children.push(child)
  const said: string[] = []
  child.stderr?.on('data', (bytes: Buffer) => said.push(bytes.toString()))
  child.stdout?.on('data', (bytes: Buffer) => said.push(bytes.toString()))
  return said
}

/** Its vkey and where it listens. It keeps its key in an SSH agent. */
const startStranger = async () => {
  const agent = join(folder, 'agent')
  run('ssh-agent', ['-D', '-a', agent])
  const withAgent = { ...process.env, SSH_AUTH_SOCK: agent }
  const add = () => spawnSync('ssh-add', [join(folder, 'key')], { env: withAgent }).status === 0
  await until('the agent', async () => add())
  const listed = execFileSync('ssh-keygen', ['-lf', join(folder, 'key.pub')], { encoding: 'utf8' })
  const [, fingerprint = ''] = listed.split(' ')
  const port = await freePort()
  const at = `127.0.0.1:${port}`
  const args = ['-name', NAME, '-db', 'db', '-ssh-agent', agent, '-key', fingerprint, '-listen', at]
  const said = run(join(folder, 'litewitness'), args)
  const vkey = () => /vkey=(?:"([^"]+)"|(\S+))/.exec(said.join(''))
  await until('litewitness', async () => vkey() !== null)
  const [, quoted, plain] = vkey() ?? []
  return { vkey: quoted ?? plain ?? '', url: `http://${at}` }
}

/** What its own tool does with `add-log` and `add-key`. */
const teach = (vkey: string): void => {
  const [origin] = vkey.split('+')
  const database = new Sqlite(join(folder, 'db'))
  const empty = '47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU='
  database.prepare('insert into log values (?, 0, ?)').run(origin, empty)
  database.prepare('insert into key values (?, ?)').run(origin, vkey)
  database.close()
}

test('co-signs what the realm publishes; what the realm co-signs is accepted', async (t) => {
  if (!build()) return t.skip('there is no Go or no SSH agent here: no stranger has co-signed')
  const stranger = await startStranger()
  const world = await startRunningWorld({
    realm: () => ({
      audit: {
        witnesses: { quorum: 1, list: [{ vkey: stranger.vkey, url: stranger.url }] },
        witness: { logs: [EXAMPLE_KEY] },
      },
    }),
  })
  t.after(() => world.close())
  const good = async (...command: string[]): Promise<string> => {
    const { code, out, error } = await world.keyrealm(...command)
    assert.deepEqual({ code, error }, { code: 0, error: '' }, command.join(' '))
    return out
  }
  const fetched = (path: string) => world.page(world.acme.logPort, path)
  const keys = (await good('audit', 'key')).trim().split('\n')
  const [logKey = ''] = keys
  teach(logKey)
  await until(
    'a cosignature',
    async () => (await fetched('/log/checkpoint.witnessed')).status === 200,
  )

  const { body } = await fetched('/log/checkpoint.witnessed')
  const judged = spawnSync(join(folder, 'judge'), ['-log', logKey, '-witness', stranger.vkey], {
    input: body,
    encoding: 'utf8',
  })
  assert.match(judged.stdout, /entries, co-signed by stranger\.example\/witness/, judged.stderr)
  await until(
    'all witnesses in order',
    async () => (await world.keyrealm('audit', 'witnesses')).code === 0,
  )
  assert.match(await good('audit', 'witnesses'), /^stranger\.example\/witness\+\S+\t\d+\t\S+\tok/)

  const [standing] = (await logOf(good)).witnesses
  assert.ok(standing && standing.size > 0 && standing.failures === 0, JSON.stringify(standing))
  const { body: metrics } = await world.page(world.acme.healthPort, '/metrics')
  assert.match(metrics, /^realm_audit_witness_cosigned_count\{witness="stranger\S+"\} [1-9]/m)

  await goesOnWithNewKeys(good, fetched)
  const newest = (await good('audit', 'key')).trim().split('\n')
  await verifiedWith(stranger.vkey, newest, await exported(good))
  await cosignedByUs((await good('audit', 'witness-key')).trim().split('\n'), {
    url: `http://127.0.0.1:${world.acme.logPort}/witness/add-checkpoint`,
  })
})

type Good = (...command: string[]) => Promise<string>

const logOf = async (good: Good): Promise<LogStatus> =>
  JSON.parse(await good('status', '--json')).log

/** The stranger knows the old key, is taught the new one while both sign, and co-signs on when the old one is gone. */
const goesOnWithNewKeys = async (
  good: Good,
  fetched: (path: string) => Promise<{ readonly body: string }>,
): Promise<void> => {
  const [newKey = ''] = (await good('audit', 'rotate-key')).split('\n')
  const database = new Sqlite(join(folder, 'db'))
  database.prepare('insert into key values (?, ?)').run(newKey.split('+')[0], newKey)
  database.close()
  const isOpenedBy = async (vkey: string): Promise<boolean> => {
    const key = parseVkey(vkey)
    assert.ok(key)
    return (
      typeof openCheckpoint((await fetched('/log/checkpoint.witnessed')).body, [key]) === 'object'
    )
  }
  await until('a cosignature under both', () => isOpenedBy(newKey))
  const old = (await good('audit', 'rotate-key', '--retire')).split('\n')[0] ?? ''
  assert.notEqual(old, newKey)
  await until('a cosignature under the new key alone', async () => !(await isOpenedBy(old)))
  assert.ok(await isOpenedBy(newKey))
  assert.equal((await logOf(good)).witnesses[0]?.failures, 0)
}

const exported = async (good: (...command: string[]) => Promise<string>): Promise<string> => {
  const to = join(folder, 'export')
  mkdirSync(to)
  await good('audit', 'export', '--to', to)
  return to
}

const verifiedWith = async (witness: string, keys: readonly string[], export_: string) => {
  writeFileSync(join(folder, 'keys'), keys.join('\n'))
  const verify = (...more: string[]) =>
    spawnSync(process.execPath, [VERIFIER, export_, '--key', join(folder, 'keys'), ...more], {
      encoding: 'utf8',
    })
  const vouched = verify('--witness', witness, '--max-age', '300')
  assert.equal(vouched.status, 0, vouched.stdout)
  const unknown = verify('--witness', NOBODY)
  assert.equal(unknown.status, 8, unknown.stdout)
  assert.match(unknown.stdout, /not complete: the witnesses: no checkpoint here is co-signed by 1/)
}

const cosignedByUs = async (keys: readonly string[], { url }: { readonly url: string }) => {
  const answer = await fetch(url, { method: 'POST', body: `old 0\n\n${EXAMPLE}` })
  const lines = await answer.text()
  assert.equal(answer.status, 200, lines)
  assert.equal(parseNote(EXAMPLE + lines)?.signatures.length, 3, 'ours are two')
  const args = ['-log', EXAMPLE_KEY, '-witness', keys[0] ?? '']
  const input = EXAMPLE + lines
  const judged = spawnSync(join(folder, 'judge'), args, { input, encoding: 'utf8' })
  assert.match(judged.stdout, /^1 entries, co-signed by \S+\/witness\n/, judged.stderr)
  const spoilt = input.replace(/\/witness (.{30})./, '/witness $1A')
  assert.notEqual(spawnSync(join(folder, 'judge'), args, { input: spoilt }).status, 0)
}
