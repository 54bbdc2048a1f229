// How fast the audit log is: entries recorded with their checkpoint published within a second, next to bare durable
// insertions of the same bytes; verification; proofs from a large tree. Ratios of one run; it asserts nothing.
// Usage: node scripts/bench/audit.ts [--only append,verify,proofs,stall] [--seconds 10] [--verify 1000000]
//   [--tree 10000000] [--stall 18000000]   (`stall` only if asked for: it takes ten minutes and 15 GB of disk)

import { rmSync } from 'node:fs'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { startPostgres } from '../../test/support/postgres.ts'
import { benchAppend } from './log/append.ts'
import { folder, say } from './log/entries.ts'
import { benchProofs } from './log/proofs.ts'
import { benchStall } from './log/stall.ts'
import { benchVerify } from './log/verify.ts'

const { values } = parseArgs({
  options: {
    only: { type: 'string', default: 'append,verify,proofs' },
    seconds: { type: 'string', default: '10' },
    verify: { type: 'string', default: '1000000' },
    tree: { type: 'string', default: '10000000' },
    stall: { type: 'string', default: '18000000' },
  },
})
const seconds = Number(values.seconds)

const appendToBoth = async (): Promise<void> => {
  let number = 0
  const sqlite = () => {
    number += 1
    return { kind: 'sqlite', file: join(folder, `realm-${number}.sqlite`) } as const
  }
  await benchAppend({ name: 'SQLite', aim: 10_000, seconds, settings: sqlite })
  const postgres = await startPostgres()
  if ('unavailable' in postgres) return say(`PostgreSQL: left out, ${postgres.unavailable}`)
  const urls = await Promise.all([postgres.createDatabase(), postgres.createDatabase()])
  const settings = () => ({ kind: 'postgres', url: urls.pop() ?? '', poolSize: 4 }) as const
  await benchAppend({ name: 'PostgreSQL', aim: 5000, seconds, settings })
  await postgres.stop()
}

const sections: Readonly<Record<string, () => Promise<void> | void>> = {
  append: appendToBoth,
  verify: () => benchVerify(Number(values.verify)),
  proofs: () => benchProofs(Number(values.tree)),
  stall: () => benchStall(Number(values.stall)),
}

try {
  for (const name of values.only.split(',')) {
    const section = sections[name]
    if (section === undefined) throw new Error(`no section ${name}`)
    await section()
  }
} finally {
  rmSync(folder, { recursive: true, force: true })
}
