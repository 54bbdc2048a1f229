// Devices of people of any realm of a running world, for the tests of one file.

import { after } from 'node:test'
import { type RemoteDevice, remoteDevice } from '../support/remote-device.ts'
import type { RunningWorld } from '../support/running-world.ts'

/** Devices of people, each registered when it is asked for first. */
export type Guests = (name: string) => Promise<RemoteDevice>

/** They leave when the tests of the file are over. */
export const invite = (world: () => RunningWorld): Guests => {
  const coming = new Map<string, Promise<RemoteDevice>>()
  const come = async (name: string): Promise<RemoteDevice> => {
    const remote = await remoteDevice(world(), name)
    await remote.device.shake()
    return remote
  }
  after(async () => {
    for (const one of coming.values()) (await one).close()
  })
  return (name) => {
    const found = coming.get(name) ?? come(name)
    coming.set(name, found)
    return found
  }
}
