// Ping: proves that the channel and the token work (draft §4.7.12).

import { operation } from '../corridor/operation.ts'

export const ping = operation('ping', {
  runsTogether: true,
  load: async (_moment, asked) => asked.map(() => undefined),
  decide: () => undefined,
  act: async (_moment, decided) => decided.map(() => ({ status: 200, members: {} })),
  record: () => ({ action: 'ping.answered', type: 'PING' }),
})
