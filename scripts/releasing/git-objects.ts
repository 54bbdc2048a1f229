// The files of a commit, each object held against its name on the way: commit, folders, contents. A repository that
// somebody hands over can answer for a commit with anything (replaced objects, filters, attributes), but not with this. A
// name proves as much as its digest does: collisions of SHA-1 are not looked for.

import { createHash } from 'node:crypto'

/** Runs `git` with these words, and with this on its standard input. */
export type Git = (args: readonly string[], input: string) => Buffer

interface GitObject {
  readonly type: string
  readonly bytes: Buffer
}

export interface CommittedFile {
  readonly path: string
  readonly bytes: Buffer
}

export interface ProvenCommit {
  /** POSIX seconds of the committer. */
  readonly committedAt: number
  readonly files: readonly CommittedFile[]
}

const SHA1_HEX_CHARS = 40

/** An object's name is the digest of its kind, its size and its bytes. */
const nameOf = ({ type, bytes }: GitObject, like: string): string =>
  createHash(like.length === SHA1_HEX_CHARS ? 'sha1' : 'sha256')
    .update(`${type} ${bytes.length}\0`)
    .update(bytes)
    .digest('hex')

const readObjects = (git: Git, names: readonly string[]): ReadonlyMap<string, GitObject> => {
  const wanted = [...new Set(names)]
  const objects = new Map<string, GitObject>()
  if (wanted.length === 0) return objects
  const answer = git(['cat-file', '--batch'], `${wanted.join('\n')}\n`)
  let at = 0
  for (const name of wanted) {
    const end = answer.indexOf('\n', at)
    const [, type = '', size] = answer.toString('latin1', at, end).split(' ')
    if (size === undefined) throw new Error(`the repository does not hold ${name}`)
    const start = end + 1
    const object = { type, bytes: answer.subarray(start, start + Number(size)) }
    if (nameOf(object, name) !== name) throw new Error(`the repository’s ${name} is another object`)
    objects.set(name, object)
    at = start + Number(size) + 1
  }
  return objects
}

const FOLDER = '40000'
const FILES = new Set(['100644', '100755'])

interface Named {
  readonly path: string
  readonly name: string
}

/** Symbolic links would be followed while building, and another repository is not this commit: so there are none. */
const entriesOf = (bytes: Buffer, { path, name }: Named) => {
  const entries: (Named & { readonly isFolder: boolean })[] = []
  const nameBytes = name.length / 2
  for (let at = 0; at < bytes.length; ) {
    const end = bytes.indexOf(0, at)
    const [mode = '', ...rest] = bytes.toString('utf8', at, end).split(' ')
    const below = `${path}${rest.join(' ')}`
    if (mode !== FOLDER && !FILES.has(mode)) {
      throw new Error(`the commit holds ${below}, which is no plain file`)
    }
    const next = end + 1 + nameBytes
    const inner = bytes.toString('hex', end + 1, next)
    entries.push({ path: below, name: inner, isFolder: mode === FOLDER })
    at = next
  }
  return entries
}

const need = (objects: ReadonlyMap<string, GitObject>, name: string, type: string): Buffer => {
  const object = objects.get(name)
  if (object?.type !== type) throw new Error(`${name} is no ${type}`)
  return object.bytes
}

/** Throws if an object is missing, is another than its name says, or is no plain file. */
export const readCommit = (git: Git, commit: string): ProvenCommit => {
  const text = need(readObjects(git, [commit]), commit, 'commit').toString('utf8')
  const [, root] = /^tree ([0-9a-f]+)\n/.exec(text) ?? []
  const [, time] = /^committer .* (\d+) [+-]\d{4}$/m.exec(text) ?? []
  if (root === undefined || time === undefined) throw new Error(`${commit} is no commit`)
  const files: Named[] = []
  for (let folders: readonly Named[] = [{ path: '', name: root }]; folders.length > 0; ) {
    const objects = readObjects(
      git,
      folders.map(({ name }) => name),
    )
    const found = folders.flatMap((one) => entriesOf(need(objects, one.name, 'tree'), one))
    files.push(...found.filter(({ isFolder }) => !isFolder))
    folders = found
      .filter(({ isFolder }) => isFolder)
      .map(({ path, name }) => ({ path: `${path}/`, name }))
  }
  const contents = readObjects(
    git,
    files.map(({ name }) => name),
  )
  return {
    committedAt: Number(time),
    files: files.map(({ path, name }) => ({ path, bytes: need(contents, name, 'blob') })),
  }
}
