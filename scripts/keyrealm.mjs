#!/usr/bin/env node
// The package's program. It makes sure that the pinned Node runs before anything native is loaded
// (better-sqlite3 kills an older Node without a word), then hands over to the realm or to the core,
// never to both: the core is never loaded into a realm's process. `search` is a person of the development world, by the
// reference client. Plain JavaScript that Node 18 reads.

import { spawn } from 'node:child_process'
import { createRequire } from 'node:module'
import { constants } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

const PINNED_MAJOR = 24
const FORWARDED = ['SIGTERM', 'SIGINT', 'SIGHUP']
const EXIT_WRONG_NODE = 1
const EXIT_USAGE = 2
const CORE_USAGE = 'usage: keyrealm core --config <file>    (settings: config/core.json)\n'

const major = Number(process.versions.node.split('.')[0])
const args = process.argv.slice(2)

if (major === PINNED_MAJOR) await run(args)
else runUnderPinnedNode(args)

async function run([command, ...rest]) {
  stopWithParent()
  const code = await runThe(command, rest)
  // Not process.exitCode: a handle that a library forgot must not keep a stopped process alive.
  process.exit(code)
}

async function runThe(command, rest) {
  if (command === 'core') return runTheCore(rest)
  if (command !== 'search') return runTheRealm(args)
  const { runSearch } = await import('./dev/search.ts')
  return runSearch(rest)
}

async function runTheCore(rest) {
  const [option, file, ...others] = rest
  if (option === '--help') {
    process.stdout.write(CORE_USAGE)
    return 0
  }
  if (option !== '--config' || file === undefined || others.length > 0) {
    process.stderr.write(CORE_USAGE)
    return EXIT_USAGE
  }
  const { runCore } = await import('../src/core/main.ts')
  return runCore(file)
}

async function runTheRealm(all) {
  const { runKeyrealm } = await import('../src/main.ts')
  return runKeyrealm(all)
}

function runUnderPinnedNode(all) {
  const node = pinnedNode()
  if (node === undefined) {
    process.stderr.write(
      `keyrealm: needs Node ${PINNED_MAJOR}, found ${process.versions.node}; ` +
        '"npm ci" puts it in place (cli.wrong-node)\n',
    )
    process.exitCode = EXIT_WRONG_NODE
    return
  }
  // The fourth stream only tells the child, by closing, that we are gone: see stopWithParent.
  const child = spawn(node, [fileURLToPath(import.meta.url), ...all], {
    stdio: ['inherit', 'inherit', 'inherit', 'ipc'],
  })
  // Ctrl-C reaches the child from the terminal too; the lifecycle takes both as one wish.
  for (const signal of FORWARDED) process.on(signal, () => child.kill(signal))
  child.on('error', () => {
    process.stderr.write(`keyrealm: ${node} does not run here (cli.wrong-node)\n`)
    process.exitCode = EXIT_WRONG_NODE
  })
  child.on('exit', (code, signal) => endLike(code, signal))
}

/** Ends as the child ended: with its code, or by the signal that ended it. */
function endLike(code, signal) {
  if (signal === null) {
    process.exitCode = code ?? EXIT_WRONG_NODE
    return
  }
  for (const name of FORWARDED) process.removeAllListeners(name)
  process.exitCode = 128 + (constants.signals[signal] ?? 0)
  process.kill(process.pid, signal)
}

/** Started by an older Node, and that one was killed: stop as if told to. */
function stopWithParent() {
  if (process.channel === undefined) return
  process.on('disconnect', () => process.kill(process.pid, 'SIGTERM'))
  process.channel.unref()
}

/** The Node that is pinned as a dependency, if there is one for this machine. */
function pinnedNode() {
  const require = createRequire(import.meta.url)
  const name = `node-${process.platform}-${process.arch}`
  try {
    return join(dirname(require.resolve(`${name}/package.json`)), 'bin', 'node')
  } catch (error) {
    if (error?.code === 'MODULE_NOT_FOUND') return undefined
    throw error
  }
}
