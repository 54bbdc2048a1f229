// The two verifiers on a made-up export: entries a second and memory at most, for a tenth of the entries and for all.
// What both sizes need alike does not grow with the log.

import { spawnSync } from 'node:child_process'
import { mkdirSync, rmSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { signCheckpoint, verifierKeyOf } from '../../../src/audit/checkpoint.ts'
import { tilePath } from '../../../src/audit/index.ts'
import { EMPTY_TREE, grow, rootOfTree, type Tree } from '../../../src/audit/integrate.ts'
import { formatVkey } from '../../../src/audit/note.ts'
import { encodeBundle, TILE_WIDTH } from '../../../src/audit/tiles.ts'
import { leafHash } from '../../../src/audit/tree.ts'
import { entryOf, folder, keys, ORIGIN, say } from './entries.ts'

const ROOT = join(import.meta.dirname, '../../..')
const VERIFIERS = {
  'stand-alone': [join(ROOT, 'verifier/audit-verify.mjs')],
  'keyrealm audit verify': [join(ROOT, 'src/main.ts'), 'audit', 'verify'],
} as const
/** Loaded before the verifier: says at the end how much memory it took at most. */
const SAY_MEMORY = `data:text/javascript,process.on('exit',()=>process.stderr.write(Math.round(process.resourceUsage().maxRSS/1024)+' MiB at most'))`

const put = (directory: string, path: string, bytes: Uint8Array | string): void => {
  const file = join(directory, path)
  mkdirSync(dirname(file), { recursive: true })
  writeFileSync(file, bytes)
}

const makeExport = (directory: string, count: number): void => {
  let tree: Tree = EMPTY_TREE
  for (let first = 0; first < count; first += TILE_WIDTH) {
    const width = Math.min(TILE_WIDTH, count - first)
    const entries = Array.from({ length: width }, (_, index) => Buffer.from(entryOf(first + index)))
    const bundle = encodeBundle(entries)
    put(directory, tilePath({ level: 'entries', index: first / TILE_WIDTH, width }), bundle)
    const growth = grow(tree, entries.map(leafHash))
    for (const { level, index, hashes } of growth.tiles) {
      put(directory, tilePath({ level, index, width: hashes.length / 32 }), hashes)
    }
    tree = growth.tree
  }
  const checkpoint = { origin: ORIGIN, size: tree.size, root: rootOfTree(tree) }
  put(directory, 'checkpoint', signCheckpoint(checkpoint, keys, Math.floor(Date.now() / 1000)))
}

const vkeys = keys.flatMap((key) => ['--key', formatVkey(verifierKeyOf(ORIGIN, key))])

const verify = (name: string, program: readonly string[], directory: string, count: number) => {
  const start = performance.now()
  const args = ['--import', SAY_MEMORY, ...program, directory, ...vkeys]
  const { status, stderr } = spawnSync(process.execPath, args, { encoding: 'utf8' })
  const perSecond = Math.round((count * 1000) / (performance.now() - start))
  const verdict = status === 0 ? 'intact and complete' : `exit code ${status}`
  say(`verify, ${name}: ${count} entries, ${perSecond}/s, ${verdict}, ${stderr.trim()}`)
}

export const benchVerify = (count: number): void => {
  for (const some of [Math.ceil(count / 10), count]) {
    const directory = join(folder, `export-${some}`)
    makeExport(directory, some)
    for (const [name, program] of Object.entries(VERIFIERS)) verify(name, program, directory, some)
    rmSync(directory, { recursive: true })
  }
}
