// Real processes under the supervisor: a small server that can be told to die, and what happens around it.
import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createServer, get } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { after, mock, test } from 'node:test'
import { setTimeout as wait } from 'node:timers/promises'
import { type ChildPlan, runToEnd, superviseChild } from '../../../scripts/dev/supervise/child.ts'
import {
  askToRestart,
  isWorldRunningIn,
  openControl,
} from '../../../scripts/dev/supervise/control.ts'

const folder = mkdtempSync(join(tmpdir(), 'keyrealm supervise '))
after(() => rmSync(folder, { recursive: true }))

const SERVER = join(folder, 'server.mjs')
writeFileSync(
  SERVER,
  `import { createServer } from 'node:http'
const port = Number(process.argv[2])
console.log('about to listen')
createServer((request, response) => {
  if (request.url === '/die') process.exit(7)
  response.end(String(process.pid))
}).listen(port, '127.0.0.1')
`,
)

test('a restarted child is another process on the same port', async () => {
  const { plan, pid } = await planServer('restarted')
  const child = superviseChild(plan)
  await child.start()
  const before = await pid()
  await Promise.all([child.restart(), child.restart()])
  assert.notEqual(await pid(), before)
  await child.stop()
  await assert.rejects(pid())
})

test('a child that ends by itself is reported with the end of its log', async () => {
  const { plan, pid, port } = await planServer('dying')
  const child = superviseChild(plan)
  await child.start()
  const complaint = mock.method(console, 'error', () => undefined)
  await answerAt(port, '/die').catch(() => undefined)
  while (complaint.mock.callCount() < 1) await wait(10)
  const said = complaint.mock.calls.map((call) => String(call.arguments[0])).join('\n')
  complaint.mock.restore()
  assert.match(said, /dying ended by itself \(exit code 7\)/)
  assert.match(said, /about to listen/)
  await child.restart()
  assert.ok(await pid())
  await child.stop()
})

test('a child that cannot start is an error, not a wait', async () => {
  const { plan } = await planServer('absent')
  const child = superviseChild({ ...plan, command: [join(folder, 'nothing.mjs')] })
  await assert.rejects(child.start(), /absent did not start[\s\S]+Cannot find module/)
})

test('a command that fails is an error with the end of its log', async () => {
  const log = join(folder, 'failing.log')
  await assert.rejects(runToEnd([join(folder, 'nothing.mjs')], log), /Cannot find module/)
})

test('a child dies with its supervisor, however that ends', async () => {
  const { plan, pid } = await planServer('orphan')
  const supervisor = join(folder, 'supervisor.ts')
  const module = resolve(import.meta.dirname, '../../../scripts/dev/supervise/child.ts')
  const { command, logFile } = plan
  writeFileSync(
    supervisor,
    `import { superviseChild } from ${JSON.stringify(module)}
await superviseChild({ name: 'orphan', command: ${JSON.stringify(command)},
  logFile: ${JSON.stringify(logFile)}, answers: async () => true }).start()
console.log('started')
setInterval(() => undefined, 1000)
`,
  )
  const running = spawn(process.execPath, [supervisor], { stdio: ['ignore', 'pipe', 'inherit'] })
  await once(running.stdout, 'data')
  await until(async () => (await pid()) > 0)
  running.kill('SIGKILL')
  await until(() =>
    pid().then(
      () => false,
      () => true,
    ),
  )
})

test('a realm is restarted by whoever can read the folder, and by nobody without the token', async () => {
  const data = mkdtempSync(join(folder, 'data '))
  assert.equal(await isWorldRunningIn(data), false)
  const restart = mock.fn(async () => undefined)
  const unused = () => undefined
  const child = {
    name: 'acme',
    restart,
    start: restart,
    stop: restart,
    pause: unused,
    resume: unused,
  }
  const control = await openControl(data, new Map([['acme', child]]))
  assert.equal(await isWorldRunningIn(data), true)
  assert.equal(await askToRestart(data, 'acme'), 'acme is ready again')
  assert.equal(restart.mock.callCount(), 1)
  await assert.rejects(askToRestart(data, 'globex'), /no "globex" here/)
  const { port } = JSON.parse(readFileSync(join(data, 'supervisor.json'), 'utf8'))
  const stranger = await fetch(`http://127.0.0.1:${port}/restart/acme`, { method: 'POST' })
  assert.equal(stranger.status, 401)
  control.close()
  await assert.rejects(askToRestart(data, 'acme'), /No development world runs/)
})

async function planServer(name: string) {
  const port = await freePort()
  const pid = async () => Number(await answerAt(port, '/'))
  const plan: ChildPlan = {
    name,
    command: [SERVER, String(port)],
    logFile: join(folder, 'logs', `${name}.log`),
    answers: async () => (await pid()) > 0,
  }
  return { plan, pid, port }
}

function answerAt(port: number, path: string): Promise<string> {
  return new Promise((resolve, reject) => {
    get({ host: '127.0.0.1', port, path, agent: false }, (answer) => {
      answer.setEncoding('utf8').on('data', resolve)
    }).on('error', reject)
  })
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  server.close()
  return port
}

async function until(holds: () => Promise<boolean>): Promise<void> {
  const deadline = Date.now() + 5_000
  while (!(await holds().catch(() => false))) {
    assert.ok(Date.now() < deadline, 'it did not happen in five seconds')
    await wait(20)
  }
}
