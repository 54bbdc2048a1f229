// Two operators lay their logs side by side: each key that one says it gave to the other must be one that the other says came, by the
// number of the entry that it was signed for under; and what became of keys at the other must have been told. It believes what it
// reads: whether a log is whole is for the verifier.

import type { StoredEntry } from './ports.ts'
import type { ReadLog } from './reconcile.ts'

export interface PeerDifference {
  /** `given`: it was given, and never came; `came`: never given; `used`: used there and never told here; `told`: never used there. */
  readonly what: 'given' | 'came' | 'used' | 'told'
  /** Whose log says so; the other's does not. */
  readonly by: string
  readonly key: string
  /** Of `given` and `came`: the entry of the giver. */
  readonly entry?: number
}

export interface PeersReconciled {
  /** Keys, once for each release, of which both logs say the same. */
  readonly agreed: number
  readonly usesTold: number
  readonly differences: number
}

interface Told {
  readonly action?: string
  readonly outcome?: string
  readonly actor?: { readonly kind?: string; readonly id?: string }
  readonly keys?: readonly string[]
  readonly part?: { readonly index: number }
  readonly details?: Readonly<Record<string, unknown>>
}

const RELEASES = new Set(['key.released', 'answer.repeated'])

/** One realm's view of the other. */
interface View {
  /** `entry key`, the entry being of the log of whoever gave. */
  readonly given: Set<string>
  readonly came: Set<string>
  /** Keys of the other that were handed to somebody here; keys of ours of which the other said so. */
  readonly used: Set<string>
  readonly told: Set<string>
}

const isOf = (key: string, domain: string): boolean => key.startsWith(`kms://${domain}/`)

/** What an entry says of keys between the two, and under which names. */
const saidBy = (
  { action = '', actor, keys = [], details }: Told,
  peer: string,
  first: number,
): readonly [keyof View, readonly string[]] | undefined => {
  const isOfPeer = actor?.kind === 'peer' && actor.id === peer
  if (action === 'peer.uses-received') return isOfPeer ? ['told', keys] : undefined
  if (action === 'peer.keys-received' && details?.['peer'] === peer) {
    return ['came', keys.map((key) => `${String(details['theirEntry'])} ${key}`)]
  }
  if (!RELEASES.has(action)) return undefined
  if (actor?.kind !== 'peer') return ['used', keys.filter((key) => isOf(key, peer))]
  return isOfPeer ? ['given', keys.map((key) => `${first} ${key}`)] : undefined
}

const take = (view: View, peer: string, { sequence, body }: StoredEntry): void => {
  const told = JSON.parse(body) as Told
  if (told.outcome !== 'done') return
  // An act that named too much has several entries; the first is the one that was signed for.
  const first = sequence - ((told.part?.index ?? 1) - 1)
  const [side, names] = saidBy(told, peer, first) ?? []
  if (side !== undefined) for (const name of names ?? []) view[side].add(name)
}

const viewOf = async (read: ReadLog, peer: string): Promise<View> => {
  const view: View = { given: new Set(), came: new Set(), used: new Set(), told: new Set() }
  for await (const entry of read()) take(view, peer, entry)
  return view
}

const missing = (here: ReadonlySet<string>, there: ReadonlySet<string>): readonly string[] =>
  [...here].filter((one) => !there.has(one))

const keyAt = (pair: string) => {
  const [entry = '', key = ''] = pair.split(' ')
  return { key, entry: Number(entry) }
}

/** What `giver` says it gave to `taker`, and what `taker` says of that. */
const compare = (
  [giver, given]: readonly [string, View],
  [taker, taken]: readonly [string, View],
): readonly PeerDifference[] => [
  ...missing(given.given, taken.came).map(
    (pair) => ({ what: 'given', by: giver, ...keyAt(pair) }) as const,
  ),
  ...missing(taken.came, given.given).map(
    (pair) => ({ what: 'came', by: taker, ...keyAt(pair) }) as const,
  ),
  ...missing(taken.used, given.told).map((key) => ({ what: 'used', by: taker, key }) as const),
  ...missing(given.told, taken.used).map((key) => ({ what: 'told', by: giver, key }) as const),
]

const shared = (one: ReadonlySet<string>, other: ReadonlySet<string>): number =>
  [...one].filter((each) => other.has(each)).length

export const reconcilePeers = async (
  one: { readonly domain: string; readonly read: ReadLog },
  other: { readonly domain: string; readonly read: ReadLog },
  onDifference: (difference: PeerDifference) => void,
): Promise<PeersReconciled> => {
  const ours = await viewOf(one.read, other.domain)
  const theirs = await viewOf(other.read, one.domain)
  const sides = [
    [one.domain, ours],
    [other.domain, theirs],
  ] as const
  const [left, right] = sides
  const differences = [...compare(left, right), ...compare(right, left)]
  for (const difference of differences) onDifference(difference)
  return {
    agreed: shared(ours.given, theirs.came) + shared(theirs.given, ours.came),
    usesTold: shared(ours.told, theirs.used) + shared(theirs.told, ours.used),
    differences: differences.length,
  }
}
