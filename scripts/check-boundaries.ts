// The wall, as a command: judges `src/` by the table in boundaries.ts and exits 1 if anything is out of place.

import { join } from 'node:path'
import { judge } from './house/rules.ts'
import { readTree } from './house/tree.ts'

const source = join(import.meta.dirname, '..', 'src')
const tree = readTree(source)
const violations = judge(tree)

for (const { file, line, rule, says } of violations)
  console.error(`src/${file}:${line}: ${rule}: ${says}`)
console.log(`boundaries: ${tree.size} files, ${violations.length} violations`)
process.exitCode = violations.length === 0 ? 0 : 1
