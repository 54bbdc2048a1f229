// Puts the packages of an offline bundle into a checkout: node unpack-bundle.mjs BUNDLE CHECKOUT. Each archive is held
// against the digest in the checkout's own package-lock.json first. Plain JavaScript that any Node from 18 on reads, and
// tar, because on a machine without network it is what brings the pinned Node.

import { spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { lstatSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

const [bundle, checkout] = process.argv.slice(2)

const fits = (list, here) => list === undefined || list.includes(here)
const isForHere = ({ os, cpu, libc }) =>
  fits(os, process.platform) && fits(cpu, process.arch) && fits(libc, 'glibc')

const hexOf = (integrity) =>
  Buffer.from(integrity.replace(/^sha512-/, ''), 'base64').toString('hex')

const tar = (input, ...args) => {
  const { status, stderr } = spawnSync('tar', args, { input, stdio: ['pipe', 'ignore', 'pipe'] })
  if (status !== 0) throw new Error(`tar: ${String(stderr).trim()}`)
}

const unpack = (folder) => {
  tar('', '-xf', bundle, '-C', folder, '--no-same-owner')
  const { packages } = JSON.parse(readFileSync(join(checkout, 'package-lock.json'), 'utf8'))
  for (const [path, row] of Object.entries(packages)) {
    if (path === '' || !isForHere(row)) continue
    const hex = hexOf(row.integrity)
    const archive = join(folder, 'packages', `${hex.slice(0, 64)}.tgz`)
    // A link or a pipe in its place could be another file each time, or never end.
    if (lstatSync(archive, { throwIfNoEntry: false })?.isFile() !== true) {
      throw new Error(`the offline bundle has no ${path} ${row.version}`)
    }
    const bytes = readFileSync(archive)
    if (createHash('sha512').update(bytes).digest('hex') !== hex) {
      throw new Error(`the offline bundle has another ${path} than the lockfile`)
    }
    mkdirSync(join(checkout, path), { recursive: true })
    // What was hashed is what is unpacked: nothing is read twice.
    tar(bytes, '-xzf', '-', '-C', join(checkout, path), '--strip-components=1', '--no-same-owner')
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
