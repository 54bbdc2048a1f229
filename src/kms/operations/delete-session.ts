// The end of a session (draft §4.7.2): one's own only. The answer still goes out over the channel
// that it closes; the next message on it meets the reset.

import { refuse } from '../../refusal.ts'
import { operation } from '../corridor/operation.ts'

export const deleteSession = operation('delete-session', {
  runsTogether: false,
  load: ({ tx }, asked) =>
    Promise.all(asked.map((one) => tx.sessions.find(one.request.operation.uri))),
  decide: (session, asked) =>
    session?.principalId === asked.subject
      ? undefined
      : refuse('kms.unknown-session', asked.request.operation.uri),
  act: async ({ tx }, decided) => {
    for (const { asked } of decided) await tx.sessions.remove(asked.request.operation.uri)
    return decided.map(() => ({ status: 204, members: {} }))
  },
  record: () => ({ action: 'session.ended', type: 'EPHEMERAL_KEY' }),
})
