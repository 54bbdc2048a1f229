// A log as an auditor holds it, file by file, in memory: copied from a realm, or made up by an operator who has the
// realm's keys and can sign whatever they like.

import {
  parseNote,
  type Report,
  rotationPath,
  servedRotation,
  servedTile,
  signCheckpoint,
  tilePath,
  tilesOf,
  type VerifierKey,
  type VerifyOptions,
  verifyLog,
} from '../../src/audit/index.ts'
import { EMPTY_TREE, grow, rootOfTree } from '../../src/audit/integrate.ts'
import { encodeBundle, parseBundle, TILE_WIDTH } from '../../src/audit/tiles.ts'
import { leafHash } from '../../src/audit/tree.ts'
import type { OlderLog } from '../../src/audit/verify.ts'
import type { SigningKey } from '../../src/crypto/index.ts'
import type { OpenStore } from '../../src/store/index.ts'
import { ORIGIN, type World } from './world.ts'

export type Mirror = Map<string, Uint8Array>

const utf8 = new TextEncoder()
const text = (bytes: Uint8Array): string => new TextDecoder().decode(bytes)

/** Everything that is published in a store. */
export const mirrorOfStore = async (store: OpenStore): Promise<Mirror> => {
  const { size, checkpoint } = await store.read((tx) => tx.tree.head())
  const mirror: Mirror = new Map([['checkpoint', utf8.encode(checkpoint)]])
  for (const tile of tilesOf(size)) {
    const bytes = await store.read((tx) => servedTile(tx, tile))
    if (bytes !== undefined) mirror.set(tilePath(tile), bytes)
  }
  for (let number = 1; ; number++) {
    const rotation = await store.read((tx) => servedRotation(tx, number))
    if (rotation === undefined) return mirror
    mirror.set(rotationPath(number), utf8.encode(rotation))
  }
}

/** Publishes what there is and copies all of it. */
export const mirrorOf = async (
  world: World,
): Promise<{ readonly mirror: Mirror; readonly keys: readonly VerifierKey[] }> => {
  const { keys } = await world.publish()
  return { mirror: await mirrorOfStore(world.store), keys }
}

/** A whole log of these entries, every tile right and the checkpoint signed: an operator can do that. */
export const forge = (
  bodies: readonly string[],
  keys: readonly SigningKey[],
  seconds: number,
  origin: string = ORIGIN,
): Mirror => {
  const entries = bodies.map((body) => utf8.encode(body))
  const { tree, tiles } = grow(EMPTY_TREE, entries.map(leafHash))
  const checkpoint = { origin, size: tree.size, root: rootOfTree(tree) }
  const mirror: Mirror = new Map([
    ['checkpoint', utf8.encode(signCheckpoint(checkpoint, keys, seconds))],
  ])
  for (const { level, index, hashes } of tiles) {
    mirror.set(tilePath({ level, index, width: hashes.length / 32 }), hashes)
  }
  for (let index = 0; index * TILE_WIDTH < entries.length; index++) {
    const some = entries.slice(index * TILE_WIDTH, (index + 1) * TILE_WIDTH)
    mirror.set(tilePath({ level: 'entries', index, width: some.length }), encodeBundle(some))
  }
  return mirror
}

/** The entries of a mirror, in order. */
export const bodiesOf = (mirror: Mirror): readonly string[] =>
  [...mirror]
    .filter(([path]) => path.startsWith('tile/entries/'))
    .sort(([left], [right]) => (left < right ? -1 : 1))
    .flatMap(([, bundle]) => parseBundle(bundle) ?? [])
    .map(text)

export const noteOf = (mirror: Mirror): string => text(mirror.get('checkpoint') ?? new Uint8Array())

export const sizeOf = (mirror: Mirror): number =>
  Number(parseNote(noteOf(mirror))?.text.split('\n')[1])

export interface Check {
  readonly older?: readonly OlderLog[]
  readonly age?: { readonly nowSeconds: number; readonly maxSeconds: number }
  readonly witnesses?: NonNullable<VerifyOptions['witnesses']>
}

export const verifyMirror = (
  mirror: Mirror,
  keys: readonly VerifierKey[],
  { older = [], ...rest }: Check = {},
): Report => verifyLog((path) => mirror.get(path), { keys, older, ...rest })

/** `intact complete`, and where each verdict broke. */
export const verdictOf = ({ isIntact, isComplete, findings }: Report) => ({
  isIntact,
  isComplete,
  where: findings.map(({ where }) => where),
})
