import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { gunzipSync } from 'node:zlib'
import type { AdminActions, LogPage, UnlockOutcome } from '../../../src/admin/index.ts'
import { adminRoutes, createAdminApp, createLogApp } from '../../../src/listeners/index.ts'
import { instant } from '../../../src/time.ts'
import { appOptions } from './world.ts'

const TOKEN = 'Zm9yLXRlc3RzLW9ubHk'

const aWorld = (change: Partial<AdminActions> = {}) => {
  const { options, lines } = appOptions()
  const calls: string[] = []
  const passphrases: Uint8Array[] = []
  const world = { refusals: 0, calls, passphrases, lines }
  const actions: AdminActions = {
    status: async () => ({
      realm: { name: 'Acme', domain: 'kms.acme.example' },
      version: '0.1.0',
      state: 'ready',
      link: 'connected',
      store: 'sqlite',
      startedAt: instant(0),
      log: { recorded: 3, size: 2, publishedAt: instant(0), witnesses: [] },
    }),
    lock: async () => {
      calls.push('lock')
    },
    unlock: async (passphrase) => {
      calls.push(`unlock ${Buffer.from(passphrase)}`)
      passphrases.push(passphrase)
      return 'unlocked'
    },
    auditEntries,
    erase: async (userId) => {
      calls.push(`erase ${userId}`)
      return { files: 'gone' }
    },
    checkPeer: async (domain) => {
      calls.push(`check ${domain}`)
      return { domain, isGood: true, findings: [], roundTripsMs: [] }
    },
    shipStatus: async () => [],
    reloadIdentity: async () => {
      calls.push('reload')
    },
    ...change,
  }
  const gate = {
    isAdminToken: (presented: string) => presented === TOKEN,
    recordRefused: async () => {
      world.refusals += 1
    },
  }
  const app = createAdminApp({ ...options, gate, routes: adminRoutes(actions) })
  const ask = async (path: string, init: RequestInit = {}, token: string | undefined = TOKEN) => {
    const headers = new Headers(init.headers)
    if (token !== '') headers.set('authorization', `Bearer ${token}`)
    const answer = await app.request(`/admin/v1${path}`, { ...init, headers })
    const body: unknown = await answer.json()
    return { status: answer.status, body: Object(body), headers: answer.headers }
  }
  const post = (path: string, body?: string) =>
    ask(path, {
      method: 'POST',
      ...(body === undefined ? {} : { body, headers: { 'content-type': 'application/json' } }),
    })
  return { ...world, refusals: () => world.refusals, ask, post, app }
}

const auditEntries = async ({ after, limit }: LogPage) =>
  [1, 2, 3, 4]
    .filter((sequence) => sequence > after)
    .slice(0, limit)
    .map((sequence) => ({ sequence, body: `{"n":${sequence}}` }))

describe('the admin API', () => {
  test('lets nobody in without the admin token, and records the attempt', async () => {
    const { ask, refusals, app, lines } = aWorld()
    for (const token of ['', 'wrong', `${TOKEN}x`, TOKEN.slice(1)]) {
      const { status, body, headers } = await ask('/status', {}, token)
      assert.equal(status, 401)
      assert.equal(body.code, 'http.unauthenticated')
      assert.equal(headers.get('www-authenticate'), 'Bearer')
    }
    const headers = { authorization: `Basic ${TOKEN}` }
    assert.equal((await app.request('/admin/v1/status', { headers })).status, 401)
    assert.equal(refusals(), 5)
    assert.ok(!lines.join('').includes(TOKEN.slice(1)))
  })

  test('does not tell strangers which addresses exist', async () => {
    const { ask } = aWorld()
    const known = await ask('/status', {}, 'wrong')
    const unknown = await ask('/nothing', {}, 'wrong')
    assert.deepEqual(unknown.body, known.body)
    assert.equal((await ask('/nothing')).body.code, 'http.not-found')
  })

  test('answers the status', async () => {
    const { status, body } = await aWorld().ask('/status')
    assert.equal(status, 200)
    assert.deepEqual(body.realm, { name: 'Acme', domain: 'kms.acme.example' })
  })

  test('locks and reloads on POST only', async () => {
    const { ask, post, calls } = aWorld()
    assert.deepEqual((await post('/lock')).body, { state: 'locked' })
    assert.deepEqual((await post('/identity/reload')).body, { state: 'reloaded' })
    assert.deepEqual(calls, ['lock', 'reload'])
    const refused = await ask('/lock')
    assert.equal(refused.body.code, 'http.method-not-allowed')
    assert.equal(refused.headers.get('allow'), 'POST')
    assert.equal((await post('/status')).headers.get('allow'), 'GET, HEAD')
  })
})

describe('unlocking', () => {
  test('hands over the passphrase and wipes it', async () => {
    const { post, calls, passphrases } = aWorld()
    assert.deepEqual((await post('/unlock', '{"passphrase":"hünter2"}')).body, { state: 'ready' })
    assert.deepEqual(calls, ['unlock hünter2'])
    assert.deepEqual([...new Set(passphrases[0])], [0])
  })

  test('that does not succeed is a problem with a code of its own', async () => {
    const cases: readonly (readonly [UnlockOutcome, number])[] = [
      ['wrong-passphrase', 403],
      ['already-unlocked', 409],
    ]
    for (const [outcome, status] of cases) {
      const answer = await aWorld({ unlock: async () => outcome }).post(
        '/unlock',
        '{"passphrase":"x"}',
      )
      assert.equal(answer.status, status)
      assert.equal(answer.body.code, `admin.${outcome}`)
    }
  })

  test('takes exactly one passphrase', async () => {
    const { post, ask, calls } = aWorld()
    const bad = [
      '{}',
      '[]',
      'null',
      '{"passphrase":""}',
      '{"passphrase":7}',
      '{"passphrase":"a","b":1}',
      `{"passphrase":"${'x'.repeat(1025)}"}`,
      'hunter2',
      '',
    ]
    for (const body of bad) {
      const { body: answer } = await post('/unlock', body)
      const expected = body.length > 1024 ? 'http.body-too-large' : 'http.malformed-body'
      assert.equal(answer.code, expected, body)
    }
    const form = { method: 'POST', body: 'passphrase=x', headers: { 'content-type': 'text/plain' } }
    assert.equal((await ask('/unlock', form)).body.code, 'http.unsupported-media-type')
    assert.deepEqual(calls, [])
  })

  test('is tried once at a time', async () => {
    const release = Promise.withResolvers<UnlockOutcome>()
    const { post } = aWorld({ unlock: () => release.promise })
    const first = post('/unlock', '{"passphrase":"a"}')
    const second = await post('/unlock', '{"passphrase":"b"}')
    assert.equal(second.status, 429)
    release.resolve('unlocked')
    assert.equal((await first).status, 200)
    assert.equal((await post('/unlock', '{"passphrase":"c"}')).status, 200)
  })
})

describe('the log as static files', () => {
  const body = Buffer.from('entries '.repeat(100))
  const app = createLogApp({
    ...appOptions().options,
    entries: auditEntries,
    checkpoint: async () => 'a note\n',
    witnessed: async () => undefined,
    rotation: async (number) => (number === 2 ? 'a proof\n' : undefined),
    tile: async ({ index }) => (index === 0 ? new Uint8Array(body) : undefined),
  })
  const ask = (path: string, accepts?: string) =>
    app.request(`/log/${path}`, {
      headers: accepts === undefined ? {} : { 'accept-encoding': accepts },
    })

  test('keeps tiles forever and the checkpoint never', async () => {
    const forever = 'public, max-age=31536000, immutable'
    for (const path of ['tile/0/000', 'tile/entries/000', 'tile/entries/000.p/3']) {
      assert.equal((await ask(path)).headers.get('cache-control'), forever, path)
    }
    assert.equal(await (await ask('rotation/2')).text(), 'a proof\n')
    for (const other of ['rotation/1', 'rotation/02', 'rotation/', 'rotation/2/3']) {
      assert.equal((await ask(other)).status, 404, other)
    }
    const note = await ask('checkpoint')
    assert.equal(note.headers.get('cache-control'), 'no-cache')
    assert.equal(note.headers.get('content-type'), 'text/plain; charset=utf-8')
    assert.equal(note.headers.get('content-encoding'), null)
    assert.equal(
      (await ask('tile/0/001')).headers.get('cache-control'),
      'no-store',
      'it may be there soon',
    )
  })

  test('compresses entries for whoever takes gzip, and tells caches so', async () => {
    for (const accepts of ['gzip', 'br, gzip;q=0.5', 'deflate, gzip']) {
      const answer = await ask('tile/entries/000', accepts)
      assert.equal(answer.headers.get('content-encoding'), 'gzip', accepts)
      assert.equal(answer.headers.get('vary'), 'accept-encoding')
      assert.deepEqual(gunzipSync(await answer.arrayBuffer()), body)
    }
    for (const refuses of [undefined, '', 'br', 'gzip;q=0', 'gzip; q=0.0', 'xgzipx']) {
      const answer = await ask('tile/entries/000', refuses)
      assert.equal(answer.headers.get('content-encoding'), null, String(refuses))
      assert.equal(answer.headers.get('vary'), 'accept-encoding')
      assert.deepEqual(Buffer.from(await answer.arrayBuffer()), body)
    }
  })

  test('leaves hashes as they are', async () => {
    const answer = await ask('tile/0/000', 'gzip')
    assert.equal(answer.headers.get('content-encoding'), null)
    assert.equal(answer.headers.get('vary'), null)
  })
})

describe('erasing somebody', () => {
  const userId = '0b8f6a3e-51c7-4d92-a6be-3f7d20c9e114'
  const body = JSON.stringify({ userId })

  test('is one POST with one user id, and says what is left in the files', async () => {
    const world = aWorld()
    const answer = await world.post('/audit/erase', body)
    assert.deepEqual([answer.status, { ...answer.body }], [200, { files: 'gone' }])
    assert.deepEqual(world.calls, [`erase ${userId}`])
  })

  test('takes nothing else', async () => {
    const world = aWorld()
    const wrong = ['', '{}', '[]', '{"userId":"bob"}', `{"userId":"${userId}","force":true}`]
    for (const one of wrong) assert.equal((await world.post('/audit/erase', one)).status, 400, one)
    assert.deepEqual(world.calls, [])
  })

  test('checks a peer by its domain, and nothing else', async () => {
    const world = aWorld()
    const answer = await world.post('/peers/check', '{"domain":"kms.globex.example"}')
    assert.deepEqual([answer.status, answer.body.domain], [200, 'kms.globex.example'])
    for (const one of ['', '{}', '[]', '{"domain":7}', '{"domain":"a.b","force":true}']) {
      assert.equal((await world.post('/peers/check', one)).body.code, 'http.malformed-body', one)
    }
    assert.deepEqual(world.calls, ['check kms.globex.example'])
    for (const [code, status] of [
      ['admin.federation-off', 409],
      ['admin.not-a-domain', 400],
    ] as const) {
      const refused = await aWorld({ checkPeer: async () => code }).post(
        '/peers/check',
        '{"domain":"x"}',
      )
      assert.deepEqual([refused.status, refused.body.code], [status, code])
    }
  })

  const obstacles = {
    'erasure.unknown-person': 404,
    'erasure.machine-account': 409,
    'erasure.not-off-boarded': 409,
    'erasure.still-authorized': 409,
    'erasure.not-acknowledged': 409,
    'erasure.withdrawals-owed': 409,
  } as const
  for (const [code, status] of Object.entries(obstacles)) {
    test(`is refused with ${code}`, async () => {
      const world = aWorld({ erase: async () => code as keyof typeof obstacles })
      const answer = await world.post('/audit/erase', body)
      assert.deepEqual([answer.status, answer.body.code], [status, code])
    })
  }
})

describe('entries of the audit log', () => {
  test('come in pages, as they were hashed', async () => {
    const { ask } = aWorld()
    assert.deepEqual((await ask('/audit/entries?after=1&limit=2')).body, {
      entries: [
        { sequence: 2, body: '{"n":2}' },
        { sequence: 3, body: '{"n":3}' },
      ],
    })
    assert.equal((await ask('/audit/entries')).body.entries.length, 4)
  })

  test('are refused to odd questions', async () => {
    const { ask } = aWorld()
    const odd = [
      'after=-1',
      'after=x',
      'limit=0',
      'limit=1e3',
      'aftr=1',
      'after=1&after=2',
      'after=',
    ]
    for (const query of odd) {
      assert.equal((await ask(`/audit/entries?${query}`)).body.code, 'http.invalid-query', query)
    }
  })

  test('are also served read-only without a token, on a listener of their own', async () => {
    const pages: LogPage[] = []
    const entries = (page: LogPage) => {
      pages.push(page)
      return auditEntries(page)
    }
    const app = createLogApp({
      ...appOptions().options,
      entries,
      witnessed: async () => undefined,
      rotation: async () => undefined,
      checkpoint: async () => undefined,
      tile: async () => undefined,
    })
    const answer = await app.request('/log/entries?after=3&limit=99999')
    assert.deepEqual(await answer.json(), {
      entries: [{ sequence: 4, body: '{"n":4}' }],
    })
    assert.deepEqual(pages, [{ after: 3, limit: 1000 }])
    assert.equal((await app.request('/log/entries?after=no')).status, 400)
    assert.equal((await app.request('/log/entries', { method: 'DELETE' })).status, 405)
  })
})
