// The reference client in a real browser: the very files of src/client, their types stripped, in a headless Chromium,
// against a real core and a real realm. Skipped, with a notice, where there is no Chromium.

// First: @peculiar/x509 does not load without it.
import 'reflect-metadata'

import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import { stripTypeScriptTypes } from 'node:module'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { text } from 'node:stream/consumers'
import { type TestContext, test } from 'node:test'
import * as x509 from '@peculiar/x509'
import { startRunningWorld } from '../support/running-world.ts'

const HOME = resolve(import.meta.dirname, '../..')
const CHROMIUM = ['/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome']
const GIVEN_UP_AFTER_MS = 60_000

/** Where the browser finds what the client imports by name. */
const IMPORTS = {
  jose: '/node_modules/jose/dist/webapi/index.js',
  'reflect-metadata': '/node_modules/reflect-metadata/Reflect.js',
  '@noble/hashes/': '/node_modules/@noble/hashes/',
  '@peculiar/x509': '/x509.js',
}
/** The package's own build for browsers is a script that sets a global. */
const X509_NAMES = Object.keys(x509).filter((name) => /^[A-Z]\w*$/.test(name))
const X509 = `export const { ${X509_NAMES.join(', ')} } = globalThis.x509`
const PAGE = `<!doctype html>
<script type="importmap">${JSON.stringify({ imports: IMPORTS })}</script>
<script src="/node_modules/reflect-metadata/Reflect.js"></script>
<script src="/node_modules/@peculiar/x509/build/x509.js"></script>
<script type="module">
  const report = (outcome) => fetch('/outcome', { method: 'POST', body: JSON.stringify(outcome) })
  try {
    const { browserTransport, connect } = await import('/src/client/index.ts')
    const { friendId, tokens, ...where } = await (await fetch('/where')).json()
    const client = await connect({
      ...where,
      coreToken: () => tokens.coreToken,
      kmsToken: () => tokens.kmsToken,
      transport: browserTransport(),
    })
    const heard = new Promise((resolve) => {
      client.rooms.onMessage((message) => {
        if (message.authorId === friendId) resolve(message.text)
      })
    })
    const room = await client.rooms.create({ title: 'A browser', participantIds: [friendId] })
    await client.rooms.post(room.id, 'from a browser')
    await report({ title: room.title, heard: await heard, hasNode: 'process' in globalThis })
    await client.close()
  } catch (error) {
    await report({ error: String(error.stack ?? error) })
  }
</script>`

/** Only what the page needs of the project. */
const serve = (path: string): readonly [type: string, content: string] | undefined => {
  if (path === '/') return ['text/html', PAGE]
  if (path === '/x509.js') return ['text/javascript', X509]
  const isOurs = /^\/src\/client\/[a-z-]+\.ts$/.test(path)
  const isLibrary = /^\/node_modules\/[\w@./-]+\.js$/.test(path) && !path.includes('..')
  if (!isOurs && !isLibrary) return undefined
  const code = readFileSync(join(HOME, path), 'utf8')
  return ['text/javascript', isOurs ? stripTypeScriptTypes(code) : code]
}

const servePage = async (t: TestContext, where: object) => {
  const { promise: outcome, resolve: settle } = Promise.withResolvers<unknown>()
  const answer = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const path = request.url ?? ''
    if (path === '/outcome') settle(JSON.parse(await text(request)))
    const found =
      path === '/where' ? (['application/json', JSON.stringify(where)] as const) : serve(path)
    const [type, content] = found ?? ['text/plain', '']
    response.writeHead(found === undefined && path !== '/outcome' ? 404 : 200, {
      'content-type': type,
    })
    response.end(content)
  }
  const server = createServer((request, response) => void answer(request, response))
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.after(() => {
    server.closeAllConnections()
    server.close()
  })
  const address = server.address()
  assert.ok(typeof address === 'object' && address !== null)
  return { outcome, url: `http://127.0.0.1:${address.port}/` }
}

/** Loopback certificates are not its own to know, and the page is of another origin than the core. */
const browse = (t: TestContext, program: string, url: string): void => {
  const profile = mkdtempSync(join(tmpdir(), 'keyrealm-browser-'))
  const lenient = ['--no-sandbox', '--ignore-certificate-errors', '--disable-web-security']
  const quiet = ['--headless', '--disable-gpu', '--disable-dev-shm-usage', '--no-first-run']
  const browser = spawn(program, [...quiet, ...lenient, `--user-data-dir=${profile}`, url], {
    stdio: 'ignore',
    detached: true,
  })
  const ended = once(browser, 'exit')
  t.after(async () => {
    // Its processes are a group of their own.
    if (browser.pid !== undefined) process.kill(-browser.pid, 'SIGKILL')
    await ended
    rmSync(profile, { recursive: true, force: true, maxRetries: 5 })
  })
}

test('a browser shakes hands, makes a room with somebody, writes to them and reads their answer', async (t) => {
  const program = CHROMIUM.find((one) => existsSync(one))
  if (program === undefined) return t.skip('no Chromium here: apt-get install chromium')
  const world = await startRunningWorld()
  t.after(() => world.close())
  const [realm] = world.ready.realms
  const bob = await world.client('bob')
  const { coreToken, kmsToken } = world.user('alice')
  const { url, outcome } = await servePage(t, {
    wdmUrl: world.ready.core.wdmUrl,
    realm: {
      domain: world.acme.domain,
      rootsPem: [readFileSync(realm?.identityCaFile ?? '', 'utf8')],
    },
    friendId: bob.userId,
    tokens: { coreToken, kmsToken },
  })
  const read: string[] = []
  bob.rooms.onMessage(({ authorId, roomId, text: said }) => {
    if (authorId === bob.userId) return
    read.push(said)
    void bob.rooms.post(roomId, 'from Node')
  })
  browse(t, program, url)
  const tooLate = new Promise((_, reject) => {
    const timer = setTimeout(() => reject(new Error('the page said nothing')), GIVEN_UP_AFTER_MS)
    t.after(() => clearTimeout(timer))
  })
  const told = await Promise.race([outcome, tooLate])
  assert.deepEqual(told, { title: 'A browser', heard: 'from Node', hasNode: false })
  assert.deepEqual(read, ['from a browser'])
})
