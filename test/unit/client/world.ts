// Client, core and realm of one test, with a clock that the test moves.

import { type ConnectSettings, connect } from '../../../src/client/index.ts'
import { aClock } from './clock.ts'
import { createFakeCore } from './core.ts'
import { createFakeRealm, DOMAIN, rootPem } from './realm.ts'

export const aWorld = async (changes: Partial<ConnectSettings> = {}) => {
  const clock = aClock()
  const realm = createFakeRealm(() => clock.now())
  const core = createFakeCore(realm)
  const problems: unknown[] = []
  const client = await connect({
    wdmUrl: 'https://core.example.test/wdm/api/v1',
    realm: { domain: DOMAIN, rootsPem: [rootPem] },
    coreToken: () => 'core-token',
    kmsToken: () => 'kms-token',
    transport: core.transport,
    clock,
    onProblem: (problem) => problems.push(problem),
    ...changes,
  })
  return { clock, realm, core, client, problems, close: () => realm.close() }
}

export type World = Awaited<ReturnType<typeof aWorld>>
