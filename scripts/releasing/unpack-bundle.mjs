// Puts the packages of an offline bundle into a checkout: node unpack-bundle.mjs BUNDLE CHECKOUT. Each archive is held
// against the digest in the checkout's own package-lock.json first. Plain JavaScript that any Node from 18 on reads, and
// tar, because on a machine without network it is what brings the pinned Node.

import { spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

const [bundle, checkout] = process.argv.slice(2)

const fits = (list, here) => list === undefined || list.includes(here)
const isForHere = ({ os, cpu, libc }) =>
  fits(os, process.platform) && fits(cpu, process.arch) && fits(libc, 'glibc')

const hexOf = (integrity) =>
  Buffer.from(integrity.replace(/^sha512-/, ''), 'base64').toString('hex')

const tar = (...args) => {
  const { status, stderr } = spawnSync('tar', args, { stdio: ['ignore', 'ignore', 'pipe'] })
  if (status !== 0) throw new Error(`tar: ${String(stderr).trim()}`)
}

const unpack = (folder) => {
  tar('-xf', bundle, '-C', folder, '--no-same-owner')
  const { packages } = JSON.parse(readFileSync(join(checkout, 'package-lock.json'), 'utf8'))
  for (const [path, row] of Object.entries(packages)) {
    if (path === '' || !isForHere(row)) continue
    const hex = hexOf(row.integrity)
    const archive = join(folder, 'packages', `${hex.slice(0, 64)}.tgz`)
    if (!existsSync(archive)) throw new Error(`the offline bundle has no ${path} ${row.version}`)
    if (createHash('sha512').update(readFileSync(archive)).digest('hex') !== hex) {
      throw new Error(`the offline bundle has another ${path} than the lockfile`)
    }
    mkdirSync(join(checkout, path), { recursive: true })
    tar('-xzf', archive, '-C', join(checkout, path), '--strip-components=1', '--no-same-owner')
  }
  writeFileSync(join(checkout, 'node_modules', '.package-lock.json'), '{}\n')
}

const scratch = mkdtempSync(join(tmpdir(), 'keyrealm-bundle-'))
try {
  unpack(scratch)
} catch (error) {
  console.error(`offline bundle: ${error.message}`)
  process.exitCode = 1
} finally {
  rmSync(scratch, { recursive: true, force: true })
}
