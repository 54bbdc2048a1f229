// The key that this device seals its queries under: made once, bound to a resource of which its owner alone is a part,
// kept in memory. A key that others hold would not prove who asks, and the realm refuses it.

import type { ContentKey, Keys } from './keys.ts'
import type { Resources } from './resources.ts'

export interface SearchKey {
  /** Made when it is first needed. Rejects what `Keys` and `Resources` reject. */
  current(): Promise<ContentKey>
  /** The realm does not know this one any more; the next search makes another. */
  drop(key: ContentKey): void
}

export interface SearchKeySettings {
  readonly keys: Pick<Keys, 'takeUnbound'>
  readonly resources: Pick<Resources, 'create'>
  readonly userId: string
}

export const createSearchKey = ({ keys, resources, userId }: SearchKeySettings): SearchKey => {
  let kept: Promise<ContentKey> | undefined
  const make = async (): Promise<ContentKey> => {
    const key = await keys.takeUnbound()
    const { uri } = await resources.create({ userIds: [userId], keyUris: [key.uri] })
    return { ...key, resourceUri: uri }
  }
  return {
    current() {
      kept ??= make().catch((error: unknown) => {
        kept = undefined
        throw error
      })
      return kept
    },
    drop(key) {
      void kept?.then(({ uri }) => {
        if (uri === key.uri) kept = undefined
      })
    },
  }
}
