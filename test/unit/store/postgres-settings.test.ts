import assert from 'node:assert/strict'
import { test } from 'node:test'
import { toPoolConfig } from '../../../src/store/dialect/postgres-settings.ts'
import type { PostgresSettings } from '../../../src/store/index.ts'

const settings = (url: string, change: Partial<PostgresSettings> = {}): PostgresSettings => ({
  kind: 'postgres',
  url,
  poolSize: 4,
  ...change,
})

const refused = { name: 'Fault', code: 'store.invalid-settings' }
const tls = { caPem: 'PEM' }

test('a URL is taken apart, its parts decoded', () => {
  const { host, port, user, password, database, ssl, max } = toPoolConfig(
    settings('postgres://re%40lm:p%2Fw@localhost:5433/key%20realm'),
  )
  assert.deepEqual(
    { host, port, user, password, database, ssl, max },
    {
      host: 'localhost',
      port: 5433,
      user: 're@lm',
      password: 'p/w',
      database: 'key realm',
      ssl: false,
      max: 4,
    },
  )
})

test('a password of its own wins, and a Unix socket is a host', () => {
  const config = toPoolConfig(settings('postgres://u:a@%2Fvar%2Frun:5432/d', { password: 'b' }))
  assert.equal(config.password, 'b')
  assert.equal(config.host, '/var/run')
  assert.equal(toPoolConfig(settings('postgres://u@[::1]/d')).host, '::1')
})

test('parameters in the URL are refused, because they can switch off the check of the server', () => {
  for (const end of ['?sslmode=no-verify', '?ssl=0', '#x']) {
    assert.throws(() => toPoolConfig(settings(`postgres://u:p@127.0.0.1/d${end}`)), refused)
  }
})

test('what is no URL of a database is refused', () => {
  const urls = [
    '',
    'x',
    'mysql://u@localhost/d',
    'postgres://localhost/d',
    'postgres://u@localhost/',
  ]
  for (const url of urls) {
    assert.throws(() => toPoolConfig(settings(url)), refused)
  }
})

test('another machine is reached by TLS or not at all', () => {
  const url = 'postgres://u:p@db.example/d'
  assert.throws(() => toPoolConfig(settings(url)), refused)
  assert.throws(() => toPoolConfig(settings('postgres://u:p@127.0.0.1.example/d')), refused)
  assert.deepEqual(toPoolConfig(settings(url, { tls })).ssl, {
    ca: 'PEM',
    servername: 'db.example',
    minVersion: 'TLSv1.3',
    rejectUnauthorized: true,
  })
})

test('TLS may name the server otherwise and show a certificate of ours', () => {
  const { ssl } = toPoolConfig(
    settings('postgres://u:p@10.0.0.1/d', {
      tls: { ...tls, serverName: 'db.example', certificatePem: 'C', keyPem: 'K' },
    }),
  )
  assert.deepEqual(ssl, {
    ca: 'PEM',
    cert: 'C',
    key: 'K',
    servername: 'db.example',
    minVersion: 'TLSv1.3',
    rejectUnauthorized: true,
  })
})
