// Runs the development identity provider over real TLS and asks it what a realm and a core would ask.
import assert from 'node:assert/strict'
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { after, test } from 'node:test'
import { createLocalJWKSet, type JSONWebKeySet, jwtVerify } from 'jose'
import { openHttpsClient } from '../../../scripts/dev/https-client.ts'
import {
  CORE_RESOURCE,
  KMS_RESOURCE,
  OPAQUE_KMS_RESOURCE,
} from '../../../scripts/dev/openid/resources.ts'
import { clientSecret, clientSecretFile } from '../../../scripts/dev/openid/secrets.ts'
import { startIdentityProvider } from '../../../scripts/dev/openid/serve.ts'
import { personNamed } from '../../../scripts/dev/people.ts'
import { signIn } from '../../../scripts/dev/sign-in.ts'
import { makeDevelopmentCertificates } from '../../../scripts/make-dev-certs.ts'

const folder = mkdtempSync(join(tmpdir(), 'keyrealm identity '))
const directory = join(folder, 'provider')
const certificates = makeDevelopmentCertificates({ directory: join(folder, 'certs'), realms: [] })
const { tlsCaFile } = certificates
const provider = await startIdentityProvider({
  directory,
  port: 0,
  certificateFile: certificates.identityProvider.chainFile,
  keyFile: certificates.identityProvider.keyFile,
})
const { issuer } = provider
after(async () => {
  await provider.close()
  rmSync(folder, { recursive: true })
})

const olivia = personNamed('olivia')
const KMS = { resource: KMS_RESOURCE, scope: 'spark:kms' }
const OPAQUE_KMS = { resource: OPAQUE_KMS_RESOURCE, scope: 'spark:kms' }
const CORE = { resource: CORE_RESOURCE, scope: 'spark:core' }

test('a KMS token is a signed JWT with exactly the claims that a realm needs', async () => {
  const { payload, protectedHeader } = await verified(await tokenFor(KMS))
  const { exp, iat, jti, ...claims } = payload
  assert.deepEqual(claims, {
    iss: issuer,
    aud: 'urn:keyrealm:kms',
    sub: olivia.id,
    scope: 'spark:kms',
    client_id: 'keyrealm-client',
    organization_id: olivia.organizationId,
    roles: ['spark.kms_orgagent'],
    email: 'olivia@acme.example',
  })
  assert.equal((exp ?? 0) - (iat ?? 0), 8 * 3600)
  assert.equal(typeof jti, 'string')
  assert.equal(protectedHeader.alg, 'RS256')
  assert.equal(protectedHeader.typ, 'at+jwt')
})

for (const { client, wanted, audience } of [
  { client: 'core', wanted: CORE, audience: 'urn:keyrealm:core' },
  { client: 'realm', wanted: OPAQUE_KMS, audience: 'urn:keyrealm:kms' },
]) {
  test(`the ${client} learns all about an opaque token by introspection`, async () => {
    const token = await tokenFor(wanted)
    assert.equal(token.includes('.'), false)
    const { exp, iat, ...answer } = await introspected(client, token)
    assert.deepEqual(answer, {
      active: true,
      iss: issuer,
      aud: audience,
      sub: olivia.id,
      scope: wanted.scope,
      client_id: 'keyrealm-client',
      token_type: 'Bearer',
      organization_id: olivia.organizationId,
      roles: ['spark.kms_orgagent'],
      email: 'olivia@acme.example',
    })
    assert.equal(Number(exp) - Number(iat), 8 * 3600)
  })
}

test('neither the core nor the realm learns anything about a token for the other', async () => {
  assert.deepEqual(await introspected('realm', await tokenFor(CORE)), { active: false })
  assert.deepEqual(await introspected('core', await tokenFor(OPAQUE_KMS)), { active: false })
})

test('introspection needs the client secret', async () => {
  const answer = await introspect('core', 'wrong', await tokenFor(CORE))
  assert.equal(answer.status, 401)
})

for (const wanted of [
  { ...KMS, scope: 'spark:kms spark:core' },
  { ...KMS, scope: 'spark:core' },
  { ...CORE, scope: 'spark:kms' },
  { ...CORE, scope: 'openid spark:core' },
]) {
  test(`"${wanted.scope}" for ${wanted.resource} is refused`, async () => {
    await assert.rejects(tokenFor(wanted), /invalid_scope/)
  })
}

test('an unknown resource is refused', async () => {
  await assert.rejects(tokenFor({ resource: 'urn:other', scope: 'spark:kms' }), /invalid_target/)
})

test('a wrong password is refused', async () => {
  const wrong = { ...KMS, issuer, tlsCaFile, person: olivia, password: 'bob-development' }
  await assert.rejects(signIn(wrong), /did not accept olivia's password/)
})

test('after a rotation new tokens have a new key and old ones stay verifiable', async () => {
  const before = await tokenFor(KMS)
  provider.rotateSigningKey()
  const after = await tokenFor(KMS)
  const old = await verified(before)
  assert.notEqual((await verified(after)).protectedHeader.kid, old.protectedHeader.kid)
})

test('secrets are readable by their owner alone', () => {
  for (const file of [clientSecretFile(directory, 'core'), join(directory, 'signing-keys.json')]) {
    assert.equal(statSync(file).mode & 0o777, 0o600)
  }
})

test('opaque and signed tokens survive kill -9, and SIGHUP adds a signing key', async () => {
  const own = join(folder, 'process')
  await using first = await startProcess(own, 0)
  const opaque = await tokenFor(CORE, first.issuer)
  const signed = await tokenFor(KMS, first.issuer)
  await first.kill('SIGKILL')

  await using second = await startProcess(own, Number(new URL(first.issuer).port))
  second.child.kill('SIGHUP')
  const secret = clientSecret(own, 'core')
  const answer = await introspect('core', secret, opaque, first.issuer)
  assert.equal(JSON.parse(answer.body).active, true)
  await waitForKeys(first.issuer, 2)
  await verified(signed, first.issuer)
  assert.deepEqual(await second.kill('SIGTERM'), [0, null])
})

function tokenFor(wanted: { resource: string; scope: string }, at = issuer): Promise<string> {
  return signIn({ ...wanted, issuer: at, tlsCaFile, person: olivia })
}

async function verified(token: string, at = issuer) {
  return await jwtVerify(token, createLocalJWKSet(await keysOf(at)), { issuer: at })
}

async function keysOf(at: string): Promise<JSONWebKeySet> {
  using client = openHttpsClient(at, tlsCaFile)
  const { body } = await client.ask({ url: '/jwks' })
  return JSON.parse(body)
}

async function waitForKeys(at: string, count: number): Promise<void> {
  const deadline = Date.now() + 5_000
  while ((await keysOf(at)).keys.length < count) assert.ok(Date.now() < deadline, 'no new key')
}

async function introspected(client: string, token: string): Promise<Record<string, unknown>> {
  const { status, body } = await introspect(client, clientSecret(directory, client), token)
  assert.equal(status, 200)
  return JSON.parse(body)
}

async function introspect(client: string, secret: string, token: string, at = issuer) {
  using connection = openHttpsClient(at, tlsCaFile)
  const basic = Buffer.from(`${client}:${secret}`).toString('base64')
  const headers = { authorization: `Basic ${basic}` }
  return await connection.ask({ url: '/token/introspection', form: { token }, headers })
}

async function startProcess(data: string, port: number) {
  const program = resolve(import.meta.dirname, '../../../scripts/dev/identity-provider.ts')
  const { chainFile, keyFile } = certificates.identityProvider
  const options = ['--data', data, '--port', String(port), '--cert', chainFile, '--key', keyFile]
  const child = spawn(process.execPath, [program, ...options], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  const [line] = await once(child.stdout, 'data')
  const [started] = /https:\S+/.exec(String(line)) ?? []
  assert.ok(started, String(line))
  const kill = (signal: NodeJS.Signals) => killed(child, signal)
  return {
    child,
    issuer: started,
    kill,
    [Symbol.asyncDispose]: async () => void (await kill('SIGKILL')),
  }
}

async function killed(child: ChildProcess, signal: NodeJS.Signals): Promise<unknown> {
  if (child.exitCode !== null || child.signalCode !== null) return undefined
  const exited = once(child, 'exit')
  child.kill(signal)
  return await exited
}
