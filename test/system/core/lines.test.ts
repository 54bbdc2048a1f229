// The port that realms dial: certificates decide who a realm is, settings decide whom it serves.
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { LINE_CLOSED } from '../../../src/boundary/index.ts'
import { makeTestCertificates } from '../../support/certificates.ts'
import { dialAsRealm, type FakeRealm, helloOf } from './fake-realm.ts'
import { ACME, type CoreWorld, GLOBEX, openCoreWorld } from './world.ts'

let world: CoreWorld
before(async () => {
  world = await openCoreWorld({ limits: { linkHelloWithinMs: 300 } })
})
after(() => world.close())

const HELLO = helloOf(ACME.domain, [ACME.organizationId])

const dial = (domain = ACME.domain): Promise<FakeRealm> => {
  const { authority, core } = world
  return dialAsRealm({ port: core.linkPort, authority, credential: authority.client(domain) })
}

test('a connection without a certificate, or with one of another authority, gets no line', async () => {
  const { authority, core } = world
  await assert.rejects(dialAsRealm({ port: core.linkPort, authority }))
  const credential = makeTestCertificates().client(ACME.domain)
  await assert.rejects(dialAsRealm({ port: core.linkPort, authority, credential }))
})

const refused: readonly (readonly [string, string, object, number])[] = [
  ['whose certificate names another realm', GLOBEX.domain, HELLO, LINE_CLOSED.notThisRealm],
  ['whose certificate only names a parent', 'acme.example', HELLO, LINE_CLOSED.notThisRealm],
  ['whose certificate is a wildcard', '*.acme.example', HELLO, LINE_CLOSED.notThisRealm],
  [
    'that is not in the settings',
    'kms.new.example',
    helloOf('kms.new.example', []),
    LINE_CLOSED.notThisRealm,
  ],
  [
    'that claims an organization of another realm',
    ACME.domain,
    helloOf(ACME.domain, [ACME.organizationId, GLOBEX.organizationId]),
    LINE_CLOSED.notThisRealm,
  ],
  ['of another version', ACME.domain, { ...HELLO, version: 2 }, LINE_CLOSED.unknownVersion],
  ['with an unknown member', ACME.domain, { ...HELLO, more: 1 }, LINE_CLOSED.malformedFrame],
  [
    'that answers before it said hello',
    ACME.domain,
    { type: 'answers', id: 'x', answers: [] },
    LINE_CLOSED.malformedFrame,
  ],
]

for (const [what, certified, frame, code] of refused) {
  test(`a realm is refused: one ${what}`, async () => {
    const realm = await dial(certified)
    realm.say(frame)
    assert.equal(await realm.closed, code)
  })
}

test('a realm that says nothing is closed', async () => {
  const silent = await dial()
  assert.equal(await silent.closed, LINE_CLOSED.silent)
})

test('a second line of a realm replaces the first', async () => {
  const first = await world.connect(ACME)
  const second = await world.connect(ACME)
  assert.equal(await first.closed, LINE_CLOSED.replaced)
  second.cut()
})

test('a second hello, another realm in a state frame, and noise end the line', async () => {
  const { details } = helloOf(GLOBEX.domain, [])
  const frames: readonly (readonly [string, number])[] = [
    [JSON.stringify(HELLO), LINE_CLOSED.malformedFrame],
    [JSON.stringify({ type: 'state', state: 'ready', details }), LINE_CLOSED.notThisRealm],
    ['{', LINE_CLOSED.malformedFrame],
  ]
  for (const [text, code] of frames) {
    const realm = await world.connect(ACME)
    realm.sayText(text)
    assert.equal(await realm.closed, code)
  }
})

test('a core that stops tells its realms so', async () => {
  const realm = await world.connect(ACME)
  const [code] = await Promise.all([realm.closed, world.restart()])
  assert.equal(code, LINE_CLOSED.goingAway)
})
