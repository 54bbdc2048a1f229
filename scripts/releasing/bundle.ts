// The program as it ships: three programs and two threads, each one readable file, and the packages that went into
// them. Nothing is minified, so that what runs can be read beside what was written.

import { readFileSync } from 'node:fs'
import { basename, join } from 'node:path'
import { build, type Plugin } from 'esbuild'
import type { TreeFile } from './tar.ts'

export interface Bundled {
  readonly files: readonly TreeFile[]
  /** Folders of packages, as package-lock.json names them: `node_modules/pg`. */
  readonly packages: readonly string[]
}

/** Where the files lie matters: `../../package.json` and `..` mean the same as they do in `src/main/`. */
const PROGRAMS: readonly (readonly [from: string, to: string])[] = [
  ['src/main.ts', 'program/realm/realm.mjs'],
  ['src/crypto/rsa-worker.ts', 'program/realm/rsa-worker.mjs'],
  ['src/crypto/token-worker.ts', 'program/realm/token-worker.mjs'],
  ['src/core/main.ts', 'program/core/core.mjs'],
]

/** Loads a native part from beside itself, so it stays a package of its own. */
export const NATIVE_PACKAGES = ['better-sqlite3'] as const

/** Some packages are CommonJS and ask for Node's own modules by `require`. */
const BANNER =
  "import { createRequire as keyrealmRequire } from 'node:module'\n" +
  'const require = keyrealmRequire(import.meta.url)'

const THREAD = /new URL\('\.\/([a-z-]+)\.ts', import\.meta\.url\)/g

/** A thread is a file of its own, and ships as `.mjs`. */
const threads: Plugin = {
  name: 'threads',
  setup(bundling) {
    bundling.onLoad({ filter: /src\/crypto\/[a-z]+-workers\.ts$/ }, ({ path }) => {
      const source = readFileSync(path, 'utf8')
      const contents = source.replaceAll(THREAD, "new URL('./$1.mjs', import.meta.url)")
      if (contents === source) throw new Error(`${basename(path)} starts no thread`)
      return { contents, loader: 'ts' }
    })
  },
}

const PACKAGE = /^(.*node_modules\/(?:@[^/]+\/)?[^/]+)\//

const bundleOne = async (root: string, [from, to]: readonly [string, string]) => {
  const { outputFiles, metafile } = await build({
    absWorkingDir: root,
    entryPoints: [from],
    outfile: join(root, to),
    bundle: true,
    write: false,
    metafile: true,
    platform: 'node',
    format: 'esm',
    target: 'node24',
    charset: 'utf8',
    legalComments: 'inline',
    banner: { js: BANNER },
    external: [...NATIVE_PACKAGES],
    plugins: [threads],
    logLevel: 'silent',
  })
  const [output] = outputFiles
  if (output === undefined) throw new Error(`${from} became nothing`)
  const packages = Object.keys(metafile.inputs).flatMap((input) => PACKAGE.exec(input)?.[1] ?? [])
  const file: TreeFile = { path: `usr/lib/keyrealm/${to}`, mode: 0o644, bytes: output.contents }
  return { file, packages }
}

/** `root` is a checkout with its packages installed; nothing is written into it. */
export const bundlePrograms = async (root: string): Promise<Bundled> => {
  const bundled = await Promise.all(PROGRAMS.map((program) => bundleOne(root, program)))
  const packages = new Set(bundled.flatMap((one) => one.packages))
  return { files: bundled.map(({ file }) => file), packages: [...packages].sort() }
}
