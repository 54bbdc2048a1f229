// A resource with the URIs of its keys and authorizations (draft §4.7.4), for the authorised.

import type { AuthorizationUri, KeyUri } from '../../id.ts'
import { hostOf, isForeign, resourceRepresentation } from '../../protocol/index.ts'
import { refuse } from '../../refusal.ts'
import { accountRefusal, type ResourceFacts, resourceRefusal } from '../access/access.ts'
import type { Asked } from '../corridor/case.ts'
import { type Moment, type OperationOf, operation } from '../corridor/operation.ts'
import { narrowed } from '../foreign/narrow.ts'
import { loadResource } from './load-resource.ts'

interface Facts extends ResourceFacts {
  readonly keyUris: readonly KeyUri[]
  readonly authorizationUris: readonly AuthorizationUri[]
}

/** About 80 bytes each in the answer. */
const URIS_PER_ANSWER = 15_000

const load = async (
  moment: Moment,
  asked: Asked<OperationOf<'retrieve-resource'>>,
): Promise<Facts> => {
  const { tx, now, means } = moment
  const { uri } = asked.request.operation
  const facts = await loadResource(moment, uri, asked)
  if (!facts.reached) return { ...facts, keyUris: [], authorizationUris: [] }
  const keys = await tx.keys.ofResource(uri, {})
  const foreign = await tx.copies.foreignKeysOf(uri)
  const all = await tx.authorizations.ofResource(uri, now)
  const authorizations = await narrowed(moment, asked, all)
  return {
    ...facts,
    // Keys of other realms, copied or not, each once; a third realm's would tell a peer who else is here.
    keyUris: [...new Set([...keys, ...foreign].map((key) => key.uri))].filter(
      (key) =>
        asked.by.kind !== 'peer' || !isForeign(key, means.uris) || hostOf(key) === asked.by.domain,
    ),
    authorizationUris: authorizations.map((one) => one.uri),
  }
}

export const retrieveResource = operation<'retrieve-resource', Facts>('retrieve-resource', {
  runsTogether: true,
  load: (moment, asked) => Promise.all(asked.map((one) => load(moment, one))),
  decide: (facts, asked, { now }) => {
    const { uri } = asked.request.operation
    const refusal = accountRefusal(asked) ?? resourceRefusal(facts, uri, now)
    if (refusal !== undefined) return refusal
    return facts.keyUris.length + facts.authorizationUris.length > URIS_PER_ANSWER
      ? refuse('kms.answer-too-large')
      : undefined
  },
  act: async (_moment, decided) =>
    decided.map(({ facts, asked }) => {
      const { uri } = asked.request.operation
      const { keyUris, authorizationUris } = facts
      const resource = resourceRepresentation(facts.resource ?? { uri }, keyUris, authorizationUris)
      return { status: 200, members: { resource }, resourceUri: uri }
    }),
  record: (_facts, asked) => ({
    action: 'resource.read',
    type: 'RESOURCE',
    resource: asked.request.operation.uri,
  }),
})
