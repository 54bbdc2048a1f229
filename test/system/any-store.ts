// What every realm keeps, whatever it stores on: people talk, every operation does what it says, and a kill loses nothing.

import assert from 'node:assert/strict'
import { after, test } from 'node:test'
import type { KeyrealmClient } from '../../src/client/index.ts'
import { type RemoteDevice, remoteDevice } from '../support/remote-device.ts'
import type { RunningWorld } from '../support/running-world.ts'
import { areRecorded, areStillThere, askEverything, createKeysDuring, talkInRoom } from './flow.ts'

/** Who came in the first of these tests, and stays for those that follow. */
export interface Guests {
  readonly alice: KeyrealmClient
  readonly remote: RemoteDevice
}

/** Declares the tests, to be run before any other of their world; answers who is there by then. */
export const anyStoreTests = (world: () => RunningWorld): (() => Guests) => {
  const came: { guests?: Guests } = {}
  const there = (): Guests => {
    assert.ok(came.guests, 'nobody came')
    return came.guests
  }
  after(() => came.guests?.remote.close())

  test('people talk in a room, and every operation does what it says', async () => {
    const [alice] = await talkInRoom(world())
    assert.ok(alice)
    const remote = await remoteDevice(world(), 'alice')
    came.guests = { alice, remote }
    await remote.device.shake()
    await askEverything(remote, world().user('bob').id)
  })

  test('a realm that is killed goes on with the same sessions, and lost no acknowledged key', async () => {
    const { alice, remote } = there()
    const session = remote.device.channel.uri
    const keys = await createKeysDuring(alice, 40, () => world().realm.restart())
    assert.equal((await remote.device.ask('update', '/ping'))['status'], 200)
    assert.equal(remote.device.channel.uri, session)
    await areStillThere(alice, keys)
    await areRecorded(world(), keys)
  })
  return there
}
