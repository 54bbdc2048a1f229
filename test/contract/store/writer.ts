// Writes until it is killed: a resource and three audit entries a transaction. It prints the resource's
// URI once the commit is acknowledged, and nothing before.

import { writeSync } from 'node:fs'
import { openStore } from '../../../src/store/index.ts'
import { aResource, entriesAfter, NOW } from './make.ts'

const store = await openStore(JSON.parse(process.argv[2] ?? ''))

for (;;) {
  const resource = aResource()
  await store.transact(async (tx) => {
    await tx.resources.insert(resource)
    const entries = entriesAfter(await tx.audit.head(), 3)
    await tx.audit.append(
      entries.map((entry) => ({ ...entry, body: resource.uri })),
      NOW,
    )
  })
  writeSync(1, `${resource.uri}\n`)
}
