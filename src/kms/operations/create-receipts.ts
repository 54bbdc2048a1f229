// Usage receipts: recorded as said, under whom the channel and the token prove. That a key was never released to
// them is no reason to refuse: such a use is exactly what reconciling looks for.

import { toRfc3339 } from '../../time.ts'
import { operation } from '../corridor/operation.ts'

export const createReceipts = operation('create-receipts', {
  runsTogether: true,
  load: async (_moment, asked) => asked.map(() => undefined),
  decide: () => undefined,
  act: async (_moment, decided) =>
    decided.map(({ asked }) => ({
      status: 201,
      members: { accepted: asked.request.operation.receipts.length },
    })),
  record: (_facts, asked, answer) => ({
    action: 'key.used',
    type: 'KEY_COLLECTION',
    ...(answer === undefined
      ? {}
      : {
          uses: asked.request.operation.receipts.map(({ keyUri, usedAt, purpose }) => ({
            at: toRfc3339(usedAt),
            key: keyUri,
            purpose,
          })),
        }),
  }),
})
