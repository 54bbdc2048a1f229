// Customer main keys (BYOK): understood and not supported. 501 is the status that real administration
// clients read as "this KMS has none"; it changes nothing.

import { refuse } from '../../refusal.ts'
import { operation } from '../corridor/operation.ts'

export const customerKey = operation('customer-key', {
  runsTogether: true,
  load: async (_moment, asked) => asked.map(() => undefined),
  decide: () => refuse('request.not-supported'),
  act: async () => [],
  record: () => ({ action: 'customer-key.changed', type: 'CUSTOMER_KEY' }),
})
