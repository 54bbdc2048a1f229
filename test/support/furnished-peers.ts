// Realms and their core for a file of tests about peers: whatever a test opens is closed after it.

import { afterEach } from 'node:test'
import { makePeerWorld, makeRealm, type TestRealmWishes } from './peer-world.ts'

export type PeerWorld = Awaited<ReturnType<typeof makePeerWorld>>

/** What is put into `closers` is called after the test. */
export const furnishPeers = () => {
  const closers: (() => void)[] = []
  afterEach(() => {
    for (const close of closers.splice(0)) close()
  })
  const open = async (...wishes: Parameters<typeof makePeerWorld>): Promise<PeerWorld> => {
    const world = await makePeerWorld(...wishes)
    closers.push(world.close)
    return world
  }
  const join = (wishes: TestRealmWishes) => {
    const realm = makeRealm(wishes)
    closers.push(realm.close)
    return realm
  }
  return { open, join, closers }
}
