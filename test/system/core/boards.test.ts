// Boards of rooms over HTTP, in the forms that real clients send: what the realm is told, who may, and that nothing
// changes here unless the realm agrees.
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { sealedAnswer } from './acting-realm.ts'
import { ACCEPTED, openRoomLife, type Room, type RoomLife } from './room-life.ts'
import { ALICE } from './world.ts'

const BOARD = '/board/api/v1'
const OK = 200

interface Channel {
  readonly channelId: string
  readonly channelUrl: string
  readonly aclUrl: string
  readonly aclUrlLink: string
  readonly kmsResourceUrl: string
  readonly defaultEncryptionKeyUrl: string
  readonly creatorId: string
  readonly kmsMessage?: string
}
type RoomWithAcl = Room & { readonly aclUrl: string }

let life: RoomLife
let room: RoomWithAcl
before(async () => {
  life = await openRoomLife({ limits: { realmPatienceMs: 300 } })
  room = (await life.room('alice', 'bob')) as RoomWithAcl
})
after(() => life.close())

const ask = (name: string, method: string, path: string, body?: object) =>
  life.world.ask(method, path, body === undefined ? { token: name } : { token: name, body })
const lastPart = () => life.realm.asked.at(-1)?.part
let keys = 0
const nextKey = () => {
  keys += 1
  return `kms://kms.acme.example/keys/board-${keys}`
}
const newChannel = (more: object = {}) => ({
  aclUrlLink: room.aclUrl,
  defaultEncryptionKeyUrl: nextKey(),
  kmsMessage: 'a..make.c.d',
  ...more,
})
const make = async (name = 'alice'): Promise<Channel> => {
  const { status, text } = await ask(name, 'POST', `${BOARD}/channels`, newChannel())
  assert.equal(status, ACCEPTED, text)
  return JSON.parse(text)
}
const share = (name: string, { channelUrl }: Channel, kmsMessage = 'a..share.c.d') =>
  ask(name, 'PUT', `${channelUrl}/sharePolicies/transcoder`, { kmsMessage })
const unlink = (name: string, { aclUrl }: Channel, more: object = {}) =>
  ask(name, 'PUT', `${aclUrl}/links`, {
    aclLinkType: 'INCOMING',
    linkedAcl: room.aclUrl,
    aclLinkOperation: 'DELETE',
    kmsMessage: 'a..unlink.c.d',
    ...more,
  })
const refusal = async (asking: ReturnType<typeof ask>) => {
  const { status, body } = await asking
  return [status, body['code'] ?? body['errorCode']]
}

test('a board is made with a resource of its own, on which its room is authorised', async () => {
  const board = await make()
  assert.deepEqual(lastPart(), {
    user: ALICE,
    operation: 'create-resource',
    keyUris: [board.defaultEncryptionKeyUrl],
    subjects: [room.kmsResourceObjectUrl],
  })
  assert.equal(board.kmsMessage, sealedAnswer('says-201'))
  assert.equal(board.aclUrlLink, room.aclUrl)
  assert.equal(board.creatorId, ALICE)
  assert.notEqual(board.kmsResourceUrl, room.kmsResourceObjectUrl)
  const { kmsMessage: _sealed, ...shown } = board
  assert.deepEqual((await ask('bob', 'GET', board.channelUrl)).body, shown)
  // The room itself is as it was.
  const { kmsResourceObjectUrl } = await life.show('alice', room)
  assert.equal(kmsResourceObjectUrl, room.kmsResourceObjectUrl)
})

test('the boards of a room are listed for its members, the newest first', async () => {
  const board = await make()
  const path = `${BOARD}/channels?aclUrlLink=${encodeURIComponent(room.aclUrl)}&channelsLimit=1`
  const { items } = JSON.parse((await ask('bob', 'GET', path)).text)
  assert.deepEqual(
    items.map(({ channelId }: Channel) => channelId),
    [board.channelId],
  )
  assert.deepEqual(await refusal(ask('carol', 'GET', path)), [404, 'core.unknown-conversation'])
  assert.deepEqual(await refusal(ask('alice', 'GET', `${BOARD}/channels?channelsLimit=0`)), [
    400,
    'core.body-invalid',
  ])
})

test('a board is shown to somebody without a name, and the realm is told to how many', async () => {
  const board = await make()
  const { status, body } = await share('bob', board)
  assert.deepEqual([status, body], [OK, { kmsResponse: sealedAnswer('says-201') }])
  const { operation, resourceUri, subjects, anonymous } = lastPart() ?? {}
  assert.deepEqual(
    { operation, resourceUri, subjects, anonymous },
    {
      operation: 'create-authorizations',
      resourceUri: board.kmsResourceUrl,
      subjects: undefined,
      anonymous: 1,
    },
  )
})

test('a board is taken out of its room', async () => {
  const board = await make()
  const { status, body } = await unlink('bob', board)
  assert.equal(status, OK)
  assert.equal(body['kmsMessage'], sealedAnswer('says-200'))
  const { operation, resourceUri, subjects } = lastPart() ?? {}
  assert.deepEqual(
    { operation, resourceUri, subjects },
    {
      operation: 'delete-authorizations',
      resourceUri: board.kmsResourceUrl,
      subjects: [room.kmsResourceObjectUrl],
    },
  )
  for (const gone of [ask('alice', 'GET', board.channelUrl), unlink('alice', board)]) {
    assert.deepEqual(await refusal(gone), [404, 'core.unknown-board'])
  }
})

test('whoever is not in the room learns nothing of its boards, and the realm is not asked', async () => {
  const board = await make()
  const before = life.realm.asked.length
  const unknown = [404, 'core.unknown-board']
  assert.deepEqual(await refusal(ask('carol', 'GET', board.channelUrl)), unknown)
  assert.deepEqual(await refusal(share('carol', board)), unknown)
  assert.deepEqual(await refusal(unlink('carol', board)), unknown)
  const made = ask('carol', 'POST', `${BOARD}/channels`, newChannel())
  assert.deepEqual(await refusal(made), [404, 'core.unknown-conversation'])
  assert.equal(life.realm.asked.length, before)
})

test('a list that is not the room’s, and a body without a kmsMessage, change nothing', async () => {
  const board = await make()
  const other = (await life.room('alice')) as RoomWithAcl
  const before = life.realm.asked.length
  const unknown = [404, 'core.unknown-conversation']
  assert.deepEqual(await refusal(unlink('alice', board, { linkedAcl: other.aclUrl })), unknown)
  for (const aclUrlLink of ['', room.url, `${room.aclUrl}/..`]) {
    const made = ask('alice', 'POST', `${BOARD}/channels`, newChannel({ aclUrlLink }))
    assert.deepEqual(await refusal(made), unknown)
  }
  const adding = unlink('alice', board, { aclLinkOperation: 'ADD' })
  assert.deepEqual(await refusal(adding), [400, 'core.body-invalid'])
  const silent = ask('alice', 'POST', `${BOARD}/channels`, newChannel({ kmsMessage: undefined }))
  assert.equal((await silent).status >= 400, true)
  assert.equal(life.realm.asked.length, before)
})

test('what the realm refuses has not happened, and the client gets the sealed words', async () => {
  const board = await make()
  const refused = [400, 1_900_000]
  assert.deepEqual(await refusal(share('alice', board, 'a..refuse.c.d')), refused)
  const unlinking = unlink('alice', board, { kmsMessage: 'a..refuse.c.d' })
  assert.deepEqual(await refusal(unlinking), refused)
  assert.equal((await ask('alice', 'GET', board.channelUrl)).status, OK)
  const kmsMessage = 'a..refuse.c.d'
  const path = `${BOARD}/channels`
  assert.deepEqual(await refusal(ask('alice', 'POST', path, newChannel({ kmsMessage }))), refused)
})

test('a board that the realm had made before it fell silent is there after all', async () => {
  life.realm.mode = 'applies-and-is-silent'
  const wanted = newChannel()
  const made = ask('alice', 'POST', `${BOARD}/channels`, wanted)
  assert.deepEqual(await refusal(made), [503, 'core.realm-timeout'])
  await life.realm.withdrawals.take()
  await life.settled(room)
  life.realm.mode = 'in-order'
  const path = `${BOARD}/channels?aclUrlLink=${encodeURIComponent(room.aclUrl)}`
  const { items } = JSON.parse((await ask('alice', 'GET', path)).text)
  const found = items.filter(
    (one: Channel) => one.defaultEncryptionKeyUrl === wanted.defaultEncryptionKeyUrl,
  )
  assert.equal(found.length, 1)
})

test('a room without a resource has no boards before it has a key', async () => {
  const { text } = await life.ask('alice', 'POST', '/conversations', {})
  const { aclUrl: aclUrlLink }: RoomWithAcl = JSON.parse(text)
  const made = ask('alice', 'POST', `${BOARD}/channels`, newChannel({ aclUrlLink }))
  assert.deepEqual(await refusal(made), [400, 'core.rotation-required'])
})
