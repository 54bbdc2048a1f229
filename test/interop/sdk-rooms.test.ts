// KMS requests inside requests to the core: the SDK wraps the `kmsMessage` of an HTTP body, and opens
// the one in the answer, or in the error, by itself. The core acts only when the realm agreed.
import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { after, before, describe, test } from 'node:test'
import { DryError, KmsError, type KmsKey, type Sdk, secretOf, signIn } from './sdk.ts'
import { CASTS, user } from './world.ts'

interface Conversation {
  readonly id: string
  readonly url: string
  readonly kmsResourceObjectUrl: string
  readonly defaultActivityEncryptionKeyUrl?: string
  readonly kmsMessage: { readonly status: number; readonly resource: { readonly uri: string } }
}

const person = (id: string) => ({ objectType: 'person', id })

for (const { where, cast } of CASTS)
  describe(where, () => {
    let alice: Sdk
    let bob: Sdk

    before(async () => {
      alice = await signIn(user(cast[0]))
      bob = await signIn(user(cast[1]))
    })

    after(async () => {
      await alice[Symbol.asyncDispose]()
      await bob[Symbol.asyncDispose]()
    })

    /** What the SDK's conversation plugin posts; its encryption plugin does the wrapping. */
    async function createConversation(key: KmsKey, kmsMessage: object): Promise<Conversation> {
      const actor = person(alice.user.id)
      const activity = (verb: string, object?: object) => ({
        verb,
        actor,
        objectType: 'activity',
        ...(object ? { object } : {}),
      })
      const { body } = await alice.webex.request({
        method: 'POST',
        service: 'conversation',
        resource: 'conversations',
        body: {
          objectType: 'conversation',
          activities: { items: [activity('create'), activity('add', actor)] },
          encryptionKeyUrl: key.uri,
          defaultActivityEncryptionKeyUrl: key.uri,
          kmsMessage,
        },
      })
      return body as unknown as Conversation
    }

    async function newConversation(key: KmsKey): Promise<Conversation> {
      const userIds = [alice.user.id]
      const kmsMessage = { method: 'create', uri: '/resources', userIds, keyUris: [key.uri] }
      return createConversation(key, kmsMessage)
    }

    async function act(
      conversation: Conversation,
      activity: object,
    ): Promise<{ kmsMessage: { status: number } }> {
      const { body } = await alice.webex.request({
        method: 'POST',
        service: 'conversation',
        resource: 'activities',
        body: {
          objectType: 'activity',
          clientTempId: randomUUID(),
          actor: person(alice.user.id),
          target: { objectType: 'conversation', id: conversation.id, url: conversation.url },
          ...activity,
        },
      })
      return body as never
    }

    test('a room is created together with its resource', async () => {
      const conversation = await newConversation(await alice.newKey())
      assert.equal(conversation.kmsMessage.status, 201)
      assert.match(conversation.kmsResourceObjectUrl, /^kms:/)
      assert.equal(conversation.kmsResourceObjectUrl, conversation.kmsMessage.resource.uri)
    })

    test('adding to a room and leaving it change who may read', async () => {
      const key = await alice.newKey()
      const conversation = await newConversation(key)
      const resourceUri = conversation.kmsResourceObjectUrl
      const added = await act(conversation, {
        verb: 'add',
        object: person(bob.user.id),
        kmsMessage: {
          method: 'create',
          uri: '/authorizations',
          resourceUri,
          userIds: [bob.user.id],
        },
      })
      assert.equal(added.kmsMessage.status, 201)
      assert.equal(secretOf(await bob.kms.fetchKey({ uri: key.uri })), secretOf(key))
      const uri = `${resourceUri}/authorizations?authId=${bob.user.id}`
      const left = await act(conversation, {
        verb: 'leave',
        object: person(bob.user.id),
        kmsMessage: { method: 'delete', uri },
      })
      assert.equal(left.kmsMessage.status, 200)
      await assert.rejects(bob.kms.fetchKey({ uri: key.uri }), KmsError)
    })

    test('the key of a room is rotated by an activity', async () => {
      const conversation = await newConversation(await alice.newKey())
      const next = await alice.newKey()
      const updated = await act(conversation, {
        verb: 'updateKey',
        object: { objectType: 'conversation', defaultActivityEncryptionKeyUrl: next.uri },
        kmsMessage: {
          method: 'update',
          uri: next.uri,
          resourceUri: conversation.kmsResourceObjectUrl,
        },
      })
      assert.equal(updated.kmsMessage.status, 200)
      const bound = await alice.kms.fetchKey({ uri: next.uri })
      assert.equal(bound.resourceUri, conversation.kmsResourceObjectUrl)
    })

    test('a refusal of the realm reaches the caller as a DryError, opened and readable', async () => {
      const key = await alice.newKey()
      const keyUris = ['kms://fakeuri']
      const kmsMessage = { method: 'create', uri: '/resource', userIds: [alice.user.id], keyUris }
      const refusal = await createConversation(key, kmsMessage).then(
        () => assert.fail('the room was created'),
        (reason: unknown) => reason,
      )
      assert(refusal instanceof DryError, String(refusal))
      assert.equal(refusal.statusCode, 400)
      assert.match(refusal.message, /POST .+\s/)
      assert.match(refusal.message, /WEBEX_TRACKING_ID: .+\s/)
      assert.match(refusal.message, /KMS_RESPONSE_STATUS: 4\d\d\s/)
      assert.match(refusal.message, /KMS_REQUEST_ID: .+/)
    })
  })
