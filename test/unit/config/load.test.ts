import assert from 'node:assert/strict'
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, describe, test } from 'node:test'
import { loadSettings, parseSettings, problemAt, SettingsError } from '../../../src/config/index.ts'
import { aSettingsValue, changed } from './example.ts'

const folder = mkdtempSync(join(tmpdir(), 'keyrealm-config-'))
after(() => rmSync(folder, { recursive: true }))

const write = (text: string | Uint8Array, name = 'realm.json'): string => {
  const file = join(folder, name)
  writeFileSync(file, text, { mode: 0o600 })
  return file
}

const problemsOf = (act: () => unknown): readonly string[] => {
  try {
    act()
  } catch (error) {
    assert.ok(error instanceof SettingsError)
    assert.equal(error.code, 'config.invalid')
    return error.problems.map(({ path, problem }) => `${path}: ${problem}`)
  }
  assert.fail('the settings were accepted')
}

const problemsWith = (path: readonly (string | number)[], to: unknown) =>
  problemsOf(() => parseSettings(changed(aSettingsValue(), path, to), '/etc/keyrealm/realm.json'))

describe('loading settings', () => {
  test('fills in every default', () => {
    const settings = loadSettings(write(JSON.stringify(aSettingsValue())))
    assert.equal(settings.channel.sessionLifetimeSeconds, 3600)
    assert.equal(settings.roles.complianceOfficer, 'spark.kms_orgagent')
    assert.equal(settings.identity.issuers[0]?.claims.organization, 'organization_id')
    assert.equal(settings.listeners.health.host, '127.0.0.1')
    assert.equal(settings.unlock.passphrase, undefined)
  })

  test('counts relative paths from the folder of the file and keeps absolute ones', () => {
    const value = changed(aSettingsValue(), ['core', 'keyFile'], '/etc/link.key')
    const settings = loadSettings(write(JSON.stringify(value)))
    assert.equal(settings.realm.stateDirectory, join(folder, 'state'))
    assert.equal(settings.core.keyFile, '/etc/link.key')
  })

  test('refuses unknown settings at every depth with their dotted path', () => {
    const twice = changed(
      changed(aSettingsValue(), ['listeners', 'health', 'prot'], 1),
      ['identity', 'issuers', 0, 'claims', 'role'],
      'x',
    )
    const value = changed(twice, ['sweeep'], {})
    assert.deepEqual(problemsOf(() => parseSettings(value, '/r.json')).toSorted(), [
      'identity.issuers.0.claims.role: is not a setting',
      'listeners.health.prot: is not a setting',
      'sweeep: is not a setting',
    ])
  })

  test('refuses a member named __proto__', () => {
    const text = JSON.stringify(aSettingsValue()).replace('{', '{"__proto__":{"x":1},')
    assert.deepEqual(
      problemsOf(() => loadSettings(write(text))),
      ['__proto__: is not a setting'],
    )
  })

  test('names what is missing', () => {
    assert.deepEqual(problemsWith(['realm', 'domain'], undefined), ['realm.domain: is missing'])
  })

  test('lists every problem in its message, one to a line', () => {
    const value = changed(
      changed(aSettingsValue(), ['rsa', 'threads'], 0),
      ['log', 'level'],
      'loud',
    )
    assert.throws(() => parseSettings(value, '/r.json'), {
      message:
        '/r.json cannot be used:\n' +
        '  rsa.threads must be at least 1\n' +
        '  log.level must be one of debug, info, warn, error',
    })
  })

  test('never repeats a value', () => {
    const secret = 'correct-horse-battery'
    const paths = [
      ['unlock', 'passphrase'],
      ['unlock', 'passphrase', 'file'],
      ['realm', 'domain'],
      ['store', 'kind'],
      ['rsa', 'threads'],
      ['log', 'level'],
      ['identity', 'issuers', 0, 'issuer'],
      ['realm', 'organizations', 0, 'id'],
    ]
    for (const path of paths) {
      const to = path.at(-1) === 'file' ? [secret] : `${secret}/SECRET`
      const value = changed(aSettingsValue(), path, to)
      assert.throws(
        () => parseSettings(value, '/r.json'),
        (error) => error instanceof SettingsError && !error.message.includes(secret),
        path.join('.'),
      )
    }
  })
})

describe('the settings file', () => {
  test('that does not exist is refused', () => {
    assert.deepEqual(
      problemsOf(() => loadSettings(join(folder, 'none.json'))),
      [': does not exist'],
    )
  })

  test('that is a folder is refused', () => {
    assert.deepEqual(
      problemsOf(() => loadSettings(folder)),
      [': is not a file'],
    )
  })

  test('that anyone may change is refused', () => {
    const file = write('{}', 'open.json')
    chmodSync(file, 0o646)
    assert.deepEqual(
      problemsOf(() => loadSettings(file)),
      [': may be changed by anyone (chmod o-w)'],
    )
  })

  test('that is not UTF-8 is refused', () => {
    assert.deepEqual(
      problemsOf(() => loadSettings(write(Uint8Array.of(0x7b, 0xff)))),
      [': is not UTF-8'],
    )
  })

  test('that is not JSON is refused by line and column, without quoting it', () => {
    assert.deepEqual(
      problemsOf(() => loadSettings(write('{\n  "realm": hunter2\n}'))),
      [': is not JSON at line 2, column 12'],
    )
  })

  test('that holds a member twice is refused', () => {
    const text = '{"rsa": {"threads": 1, "threads": 2}}'
    assert.deepEqual(
      problemsOf(() => loadSettings(write(text))),
      ['rsa.threads: stands twice'],
    )
  })

  test('that is too large is refused', () => {
    assert.deepEqual(
      problemsOf(() => loadSettings(write(' '.repeat(1024 * 1024 + 1)))),
      [': is too large'],
    )
  })
})

describe('settings that depend on each other', () => {
  test('the health and log listeners stay on loopback unless opened on purpose', () => {
    for (const name of ['health', 'log']) {
      const path = `listeners.${name}`
      assert.deepEqual(problemsWith(['listeners', name, 'host'], '0.0.0.0'), [
        `${path}.host: is not loopback; set ${path}.allowRemote to open it on purpose`,
      ])
      const opened = { host: '0.0.0.0', allowRemote: true }
      const value = changed(aSettingsValue(), ['listeners', name], opened)
      assert.ok(parseSettings(value, '/r.json'))
    }
  })

  test('the admin listener leaves loopback only with TLS', () => {
    assert.deepEqual(problemsWith(['listeners', 'admin', 'host'], '10.0.0.1'), [
      'listeners.admin.tls: is required because listeners.admin.host is not loopback',
    ])
    const tls = { certificateFile: 'a.pem', keyFile: 'a.key' }
    const value = changed(aSettingsValue(), ['listeners', 'admin'], { host: '10.0.0.1', tls })
    assert.equal(parseSettings(value, '/etc/r.json').listeners.admin.tls?.keyFile, '/etc/a.key')
  })

  test('two listeners never share a port', () => {
    assert.deepEqual(problemsWith(['listeners', 'log', 'port'], 9101), [
      'listeners.log.port: is used twice',
    ])
  })

  test('an issuer speaks only for organisations of this realm', () => {
    const ids = ['00000000-0000-4000-8000-000000000000']
    assert.deepEqual(problemsWith(['identity', 'issuers', 0, 'organizationIds'], ids), [
      'identity.issuers.0.organizationIds.0: is not one of realm.organizations',
    ])
  })

  test('an organisation or an issuer stands once', () => {
    const { realm, identity } = aSettingsValue()
    const organizations = [...realm.organizations, ...realm.organizations]
    assert.deepEqual(problemsWith(['realm', 'organizations'], organizations), [
      'realm.organizations.1.id: is used twice',
    ])
    assert.deepEqual(
      problemsWith(['identity', 'issuers'], [...identity.issuers, ...identity.issuers]),
      ['identity.issuers.1.issuer: is used twice'],
    )
  })
})

describe('single settings', () => {
  test('addresses are https and wss, without user, password or fragment', () => {
    const badIssuers = [
      'http://id.example',
      'https://u:p@id.example',
      'https://id.example/#a',
      'id',
    ]
    for (const raw of badIssuers) {
      const [problem] = problemsWith(['identity', 'issuers', 0, 'issuer'], raw)
      assert.match(problem ?? '', /^identity\.issuers\.0\.issuer: must be a https:/)
    }
    const [problem] = problemsWith(['core', 'linkUrl'], 'ws://core.example/')
    assert.match(problem ?? '', /^core\.linkUrl: must be a wss:/)
  })

  test('a session lives between a minute and 24 days, as real clients need', () => {
    const path = ['channel', 'sessionLifetimeSeconds']
    assert.deepEqual(problemsWith(path, 59), [`${path.join('.')}: must be at least 60`])
    assert.deepEqual(problemsWith(path, 2_073_601), [`${path.join('.')}: must be at most 2073600`])
    assert.deepEqual(problemsWith(path, 60.5), [`${path.join('.')}: must be of type int`])
    assert.deepEqual(problemsWith(path, '3600'), [`${path.join('.')}: must be of type number`])
  })

  test('the domain is a host name in lower case', () => {
    for (const raw of [
      'KMS.example',
      'kms.example.',
      'kms..example',
      'kms/example',
      '-a.example',
    ]) {
      assert.deepEqual(problemsWith(['realm', 'domain'], raw), [
        'realm.domain: must be a host name in lower case',
      ])
    }
  })

  test('organisation ids are UUIDs in lower case', () => {
    const path = ['realm', 'organizations', 0, 'id']
    assert.deepEqual(problemsWith(path, '6F1C1D0E-3A52-4C6E-9A3B-1F2D3C4B5A69'), [
      'realm.organizations.0.id: must be a UUID in lower case',
    ])
    assert.deepEqual(problemsWith(['realm', 'organizations'], []), [
      'realm.organizations: must be at least 1',
    ])
  })

  test('a secret names a file or a credential, never both, never neither, never itself', () => {
    const path = ['unlock', 'passphrase']
    const either = 'must name a file or a credential, never both and never neither'
    assert.deepEqual(problemsWith(path, { file: 'a', credential: 'b' }), [
      `unlock.passphrase: ${either}`,
    ])
    assert.deepEqual(problemsWith(path, {}), [`unlock.passphrase: ${either}`])
    assert.deepEqual(problemsWith(path, { value: 'x' }), [
      'unlock.passphrase.value: is not a setting',
      `unlock.passphrase: ${either}`,
    ])
    assert.deepEqual(problemsWith(path, { credential: '../x' }), [
      'unlock.passphrase.credential: must be the name of a systemd credential',
    ])
    assert.deepEqual(problemsWith(path, { credential: '..' }), [
      'unlock.passphrase.credential: must be a file name',
    ])
    const value = changed(aSettingsValue(), path, { file: 'pass' })
    assert.deepEqual(parseSettings(value, '/etc/r.json').unlock.passphrase, { file: '/etc/pass' })
  })
})

describe('the PostgreSQL store', () => {
  const parse = (store: object) =>
    parseSettings(changed(aSettingsValue(), ['store'], { kind: 'postgres', ...store }), '/r.json')
      .store
  const problems = (store: object) => problemsOf(() => parse(store))

  test('is the same by URL and by parts', () => {
    const parts = parse({ host: 'db.example', port: 5433, database: 'realm', user: 'keys' })
    assert.deepEqual(parse({ url: 'postgres://keys@db.example:5433/realm' }), parts)
    assert.deepEqual(parts, {
      kind: 'postgres',
      host: 'db.example',
      port: 5433,
      database: 'realm',
      user: 'keys',
      tls: { mode: 'verify-full' },
      poolSize: 10,
    })
  })

  test('takes no password, parameters or parts beside the URL', () => {
    const user = { user: 'keys' }
    assert.deepEqual(problems({ url: 'postgres://keys:hunter2@db/realm' }), [
      'store: url must not hold a password; use the password setting',
    ])
    assert.deepEqual(problems({ url: 'postgres://keys@db/realm?sslmode=disable' }), [
      'store: url must not have parameters',
    ])
    assert.deepEqual(problems({ url: 'postgres://keys@db/realm', ...user }), [
      'store: must give the url or host, database and user, never both',
    ])
    assert.deepEqual(problems({ url: 'mysql://keys@db/realm' }), [
      'store: url must begin with postgres://',
    ])
    assert.deepEqual(problems({ url: 'postgres://keys@db/%ff' }), [
      'store: url must name user, host and database',
    ])
    assert.deepEqual(problems(user), ['store: must give the url, or host, database and user'])
  })

  test('goes without TLS only on this machine', () => {
    const there = { host: 'db.example', database: 'realm', user: 'keys', tls: { mode: 'disable' } }
    assert.deepEqual(problems(there), [
      'store: tls.mode "disable" is only for a server on this machine',
    ])
    for (const host of ['127.0.0.1', '::1', 'localhost', '/run/postgresql']) {
      assert.deepEqual(parse({ ...there, host }), {
        kind: 'postgres',
        ...there,
        host,
        port: 5432,
        poolSize: 10,
      })
    }
  })
})

describe('witnesses in the settings', () => {
  const vkey = (name: string) => `${name}+01020304+BAECAw==`
  const witnesses = (url: string, quorum: number, ...names: readonly string[]) => ({
    quorum,
    list: names.map((name) => ({ vkey: vkey(name), url })),
  })
  const problems = (value: object) => problemsWith(['audit', 'witnesses'], value)

  test('are asked over HTTPS, or on this machine', () => {
    for (const url of ['https://w.example/w', 'http://127.0.0.1:7380', 'http://[::1]:7380/w']) {
      const value = changed(aSettingsValue(), ['audit', 'witnesses'], witnesses(url, 1, 'a', 'b'))
      assert.equal(parseSettings(value, '/r.json').audit.witnesses?.list.length, 2)
    }
    for (const url of ['http://w.example/w', 'https://user@w.example', 'ftp://127.0.0.1']) {
      const [problem] = problems(witnesses(url, 1, 'a'))
      assert.match(problem ?? '', /^audit\.witnesses\.list\.0\.url: must be an https/)
    }
  })

  test('are no quorum of one, and no more than there are', () => {
    const url = 'https://w.example'
    assert.deepEqual(problems(witnesses(url, 1, 'a', 'a')), [
      'audit.witnesses.list: names a witness twice',
    ])
    assert.deepEqual(problems(witnesses(url, 3, 'a', 'b')), [
      'audit.witnesses.quorum: is more than there are witnesses',
    ])
  })
})

test('one setting is judged whatever is wrong with the others', () => {
  const at = (path: string, raw: object) => problemAt(raw, '/r.json', path)
  assert.equal(at('realm.domain', { realm: { domain: 'kms.acme.example' } }), undefined)
  assert.match(at('realm.domain', { realm: { domain: 'KMS' }, x: 1 }) ?? '', /in lower case/)
  const organizations = [{ id: '17' }]
  assert.match(at('realm.organizations.0.id', { realm: { organizations } }) ?? '', /UUID/)
  // Judged as a whole, with the store that it makes.
  const store = (url: string) => ({ store: { kind: 'postgres', url } })
  assert.match(at('store.url', store('mysql://x@y/z')) ?? '', /postgres/)
  assert.equal(at('store.url', store('postgres://x@y/z')), undefined)
})
