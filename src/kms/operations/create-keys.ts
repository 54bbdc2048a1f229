// Fresh content keys, unbound (draft §4.7.5). The caller is their creator and alone may read or bind
// them until then; they are wrapped here, at birth, and unwrapped only for the answer.

import { refuse } from '../../refusal.ts'
import { after } from '../../time.ts'
import { accountRefusal } from '../access/access.ts'
import type { Asked } from '../corridor/case.ts'
import { type Moment, type OperationOf, operation } from '../corridor/operation.ts'
import type { UnboundKey } from '../key.ts'

const KEY_BYTES = 32

type Ask = Asked<OperationOf<'create-keys'>>

const mint = (asked: Ask, moment: Moment): readonly UnboundKey[] => {
  const { by, clientId, request } = asked
  // Only those of our organisations have keys made here.
  if (by.kind === 'anonymous' || by.kind === 'peer') return []
  const { uris, random, keyring, settings } = moment.means
  return Array.from({ length: request.operation.count }, () => {
    const uri = uris.key(random.uuid())
    const bytes = random.bytes(KEY_BYTES)
    const wrapped = keyring.wrap(by.organizationId, 'content', uri, bytes)
    bytes.fill(0)
    return {
      state: 'unbound',
      uri,
      organizationId: by.organizationId,
      createdBy: by.userId,
      clientId,
      createdAt: moment.now,
      bindBy: after(moment.now, settings.unboundLifetime),
      wrapped,
    }
  })
}

const countWraps = async (moment: Moment, keys: readonly UnboundKey[]): Promise<void> => {
  const wraps = new Map<string, number>()
  for (const { wrapped } of keys) {
    wraps.set(wrapped.keyEncryptionKeyId, (wraps.get(wrapped.keyEncryptionKeyId) ?? 0) + 1)
  }
  for (const [id, count] of wraps) await moment.tx.keyring.countWraps(id, count)
}

interface Facts {
  /** What the caller would hold if this request and those before it in the group were granted. */
  readonly unbound: number
}

/** Counted once per caller and group, and carried from request to request. */
const load = async (moment: Moment, asked: readonly Ask[]): Promise<readonly Facts[]> => {
  const counts = new Map<string, number>()
  const facts: Facts[] = []
  const { unboundPerUser, keysPerRequest } = moment.means.settings
  for (const { by, subject, request } of asked) {
    const { count } = request.operation
    const before =
      counts.get(subject) ??
      (by.kind === 'anonymous' ? 0 : await moment.tx.keys.countUnbound(by.userId, moment.now))
    const unbound = before + count
    const isWithin = unbound <= unboundPerUser && count <= keysPerRequest
    counts.set(subject, isWithin ? unbound : before)
    facts.push({ unbound })
  }
  return facts
}

export const createKeys = operation<'create-keys', Facts>('create-keys', {
  runsTogether: true,
  load,
  decide: ({ unbound }, asked, { means: { settings } }) => {
    const refusal = accountRefusal(asked)
    if (refusal !== undefined) return refusal
    const { count } = asked.request.operation
    if (count > settings.keysPerRequest) return refuse('request.invalid-count', 'count')
    return unbound > settings.unboundPerUser ? refuse('kms.too-many-keys') : undefined
  },
  act: async (moment, decided) => {
    const lists = decided.map(({ asked }) => mint(asked, moment))
    const all = lists.flat()
    await moment.tx.keys.insert(all)
    await countWraps(moment, all)
    return lists.map((list) => ({ status: 201, members: {}, keys: { member: 'keys', list } }))
  },
  record: (_facts, _asked, answer) => ({
    action: 'key.created',
    type: 'KEY_COLLECTION',
    ...(answer?.keys === undefined ? {} : { keys: answer.keys.list.map((key) => key.uri) }),
  }),
})
