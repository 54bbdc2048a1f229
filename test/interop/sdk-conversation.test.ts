// The SDK's own conversation plugin, unmodified: it makes rooms, adds, posts, removes, rotates and reads, and does
// all encryption and every wrapped KMS request by itself. The core and the realm are ours.
import assert from 'node:assert/strict'
import { createRequire } from 'node:module'
import { after, before, describe, test } from 'node:test'
import { KmsError, type Sdk, signIn } from './sdk.ts'
import { CASTS, user } from './world.ts'

// Registers itself with the SDK, so it comes before anybody signs in.
createRequire(import.meta.url)('@webex/internal-plugin-conversation')

interface Activity {
  readonly id: string
  readonly verb: string
  readonly published: string
  readonly actor: { readonly id: string }
  readonly object: {
    readonly id?: string
    readonly displayName?: string
    readonly defaultActivityEncryptionKeyUrl?: string
    readonly files?: { readonly items: readonly { displayName: string; scr: { loc: string } }[] }
  }
  readonly encryptionKeyUrl?: string
  readonly kmsMessage?: { readonly status: number }
}

interface Conversation {
  readonly id: string
  readonly url: string
  readonly displayName?: string
  readonly tags: readonly string[]
  readonly defaultActivityEncryptionKeyUrl?: string
  readonly kmsResourceObjectUrl: string
  readonly kmsMessage?: { readonly status: number }
  readonly participants: { readonly items: readonly { readonly id: string }[] }
  readonly activities: { readonly items: readonly Activity[] }
}

interface Plugin {
  create(params: object, options?: object): Promise<Conversation>
  get(conversation: object, options?: object): Promise<Conversation>
  list(options?: object): Promise<Conversation[]>
  listActivities(options: object): Promise<Activity[]>
  add(conversation: Conversation, id: string): Promise<Activity>
  leave(conversation: Conversation, id?: string): Promise<Activity>
  post(conversation: Conversation, message: string | object): Promise<Activity | undefined>
  update(conversation: Conversation, object: object): Promise<Activity>
  updateKey(conversation: Conversation): Promise<Activity>
  delete(conversation: Conversation, activity: object): Promise<Activity>
  assignModerator(conversation: Conversation, id?: string): Promise<Activity>
  lock(conversation: Conversation): Promise<Activity>
  submit(activity: object): Promise<Activity>
  prepare(activity: object, params: object): Promise<object>
}

const rooms = ({ webex }: Sdk): Plugin =>
  (webex.internal as unknown as { conversation: Plugin }).conversation

for (const { where, cast } of CASTS)
  describe(where, () => {
    let alice: Sdk
    let bob: Sdk
    let carol: Sdk

    before(async () => {
      alice = await signIn(user(cast[0]))
      bob = await signIn(user(cast[1]))
      carol = await signIn(user(cast[2]))
    })

    after(async () => {
      await Promise.all([alice, bob, carol].map((sdk) => sdk[Symbol.asyncDispose]()))
    })

    const idOf = ({ user }: Sdk): string => user.id

    const newRoom = (...others: Sdk[]): Promise<Conversation> =>
      rooms(alice).create(
        { participants: others.map(idOf), displayName: 'Planning', comment: 'the first word' },
        { forceGrouped: true },
      )

    const fresh = (reader: Sdk, { url }: Conversation): Promise<Conversation> =>
      rooms(reader).get({ url }, { activitiesLimit: 30, includeParticipants: true })

    const said = (activities: readonly Activity[]) =>
      activities.filter(({ verb }) => verb === 'post').map(({ object }) => object.displayName)

    /** What somebody in the room hears over their own socket, opened by the plugin. */
    function hears(listener: Sdk, text: string): Promise<Activity> {
      const { promise, resolve } = Promise.withResolvers<Activity>()
      listener.webex.internal.mercury.on('event:conversation.activity', (event) => {
        const { data } = event as { data: { activity: Activity } }
        if (data.activity.object.displayName === text) resolve(data.activity)
      })
      return promise
    }

    test('a room is made with a title and a first message, and a member reads both', async () => {
      const room = await newRoom(bob)
      assert.equal(room.kmsMessage?.status, 201)
      assert.match(room.kmsResourceObjectUrl, /^kms:/)
      const seen = await fresh(bob, room)
      assert.equal(seen.displayName, 'Planning')
      assert.deepEqual(said(seen.activities.items), ['the first word'])
      assert.deepEqual(
        seen.participants.items.map(({ id }) => id).toSorted(),
        [idOf(alice), idOf(bob)].toSorted(),
      )
      assert.ok((await rooms(bob).list()).some(({ id }) => id === room.id))
    })

    test('messages arrive on the devices of the others, and open', async () => {
      const room = await newRoom(bob)
      const heard = hears(bob, 'hello')
      const posted = await rooms(alice).post(room, {
        displayName: 'hello',
        content: '<b>hello</b>',
      })
      assert.equal((await heard).id, posted?.id)
    })

    test('somebody who is added reads what was said before', async () => {
      const room = await newRoom(bob)
      await rooms(alice).post(room, 'before you came')
      const added = await rooms(bob).add(await fresh(bob, room), idOf(carol))
      assert.equal(added.kmsMessage?.status, 201)
      const seen = await fresh(carol, room)
      assert.deepEqual(said(seen.activities.items), ['the first word', 'before you came'])
    })

    test('whoever is removed reads nothing of what is said after, and the plugin rotates by itself', async () => {
      const room = await newRoom(bob, carol)
      const left = await rooms(alice).leave(room, idOf(bob))
      assert.equal(left.kmsMessage?.status, 200)
      await assert.rejects(fresh(bob, room), /404|not known/i)

      // Alice's plugin still has the old key: refused with 1400087, it makes a key, binds it and sends again.
      const heard = hears(carol, 'without bob')
      await rooms(alice).post(room, 'without bob')
      const { encryptionKeyUrl } = await heard
      assert.notEqual(encryptionKeyUrl, room.defaultActivityEncryptionKeyUrl)
      await assert.rejects(bob.kms.fetchKey({ uri: String(encryptionKeyUrl) }), KmsError)

      const verbs = (await fresh(carol, room)).activities.items.map(({ verb }) => verb)
      assert.deepEqual(verbs, ['create', 'post', 'leave', 'updateKey', 'post'])
    })

    test('a client with a stale key is told, reads the room again and sends under the new key', async () => {
      const room = await newRoom(bob)
      const stale = await fresh(bob, room)
      const { object } = await rooms(alice).updateKey(await fresh(alice, room))
      const heard = hears(alice, 'still here')
      await rooms(bob).post(stale, 'still here')
      const { encryptionKeyUrl } = await heard
      assert.equal(encryptionKeyUrl, object.defaultActivityEncryptionKeyUrl)
    })

    test('leaving is up to oneself', async () => {
      const room = await newRoom(bob)
      await rooms(bob).leave(await fresh(bob, room))
      const { participants } = await fresh(alice, room)
      assert.deepEqual(
        participants.items.map(({ id }) => id),
        [idOf(alice)],
      )
    })

    test('two people have one room, however often it is made', async () => {
      const first = await rooms(carol).create({ participants: [idOf(bob)], comment: 'psst' })
      const second = await rooms(bob).create({ participants: [idOf(carol)], comment: 'yes?' })
      assert.equal(second.id, first.id)
      assert.ok(second.tags.includes('ONE_ON_ONE'))
      const { activities } = await fresh(carol, first)
      assert.deepEqual(said(activities.items), ['psst', 'yes?'])
    })

    test('titles change, moderators lock, messages are taken back', async () => {
      const room = await newRoom(bob)
      await rooms(alice).update(room, { objectType: 'conversation', displayName: 'Done' })
      assert.equal((await fresh(bob, room)).displayName, 'Done')
      const posted = await rooms(bob).post(await fresh(bob, room), 'a mistake')
      await rooms(bob).delete(await fresh(bob, room), posted ?? {})
      await rooms(alice).assignModerator(room, idOf(alice))
      await rooms(alice).lock(room)
      const locked = await fresh(bob, room)
      assert.ok(locked.tags.includes('LOCKED'))
      await assert.rejects(rooms(bob).add(locked, idOf(carol)))
      assert.deepEqual(said(locked.activities.items), ['the first word'])
    })

    test('files are shared as references that open for the others', async () => {
      const room = await newRoom(bob)
      const { scr } = await alice.encryption.encryptBinary(Buffer.from('a file'))
      scr.loc = 'https://files.invalid/1'
      const file = { objectType: 'file', displayName: 'plan.txt', mimeType: 'text/plain', scr }
      const object = {
        objectType: 'content',
        contentCategory: 'documents',
        files: { items: [file] },
      }
      const share = { verb: 'share', object, clientTempId: crypto.randomUUID() }
      await rooms(alice).submit(
        await rooms(alice).prepare(share, { target: { ...room, objectType: 'conversation' } }),
      )
      const shared = (await fresh(bob, room)).activities.items.at(-1)
      const [seen] = shared?.object.files?.items ?? []
      assert.deepEqual([seen?.displayName, seen?.scr.loc], ['plan.txt', scr.loc])
    })

    test("history is read page by page, by the plugin's own parameters", async () => {
      const room = await newRoom(bob)
      for (const word of ['one', 'two', 'three']) await rooms(alice).post(room, word)
      const page = (options: object) =>
        rooms(bob).listActivities({ conversationUrl: room.url, limit: 2, ...options })
      const newest = await page({ lastActivityFirst: true })
      assert.deepEqual(said(newest), ['two', 'three'])
      const maxDate = Date.parse(newest[0]?.published ?? '') - 1
      assert.deepEqual(said(await page({ maxDate })), ['the first word', 'one'])
    })
  })
