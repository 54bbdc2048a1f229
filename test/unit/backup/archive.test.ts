// A backup comes out as it went in; anything else about it is refused.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import {
  type BackupItem,
  type BackupSource,
  isReadableAbout,
  type Row,
  readBackup,
  type Table,
  writeBackup,
} from '../../../src/backup/index.ts'

const TABLES: readonly Table[] = [
  {
    name: 'keys',
    columns: [
      { name: 'uri', kind: 'text' },
      { name: 'wrapped', kind: 'bytes' },
      { name: 'created_at', kind: 'integer' },
    ],
  },
  { name: 'people', columns: [{ name: 'user_id', kind: 'text' }] },
]

const source = (rows: ReadonlyMap<string, readonly Row[]>): BackupSource => ({
  about: {
    format: 'keyrealm-backup/1',
    domain: 'kms.acme.example',
    createdAt: '2026-11-22T09:00:00.000Z',
    version: '0.1.0',
    store: 'sqlite',
    migrations: ['0001-keyring'],
    tables: TABLES,
    files: [{ part: 'files/0001', setting: 'core.keyFile', mode: 0o600 }],
  },
  settings: new TextEncoder().encode('{}'),
  file: async () => new Uint8Array([1, 2, 3]),
  async *rows({ name }) {
    yield rows.get(name) ?? []
  },
})

const bytesOf = async (stream: AsyncIterable<Uint8Array>): Promise<Buffer> => {
  const chunks: Uint8Array[] = []
  for await (const chunk of stream) chunks.push(chunk)
  return Buffer.concat(chunks)
}

async function* inPieces(bytes: Uint8Array, size: number) {
  for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size)
}

const readAll = async (bytes: Uint8Array, size = 1000): Promise<readonly BackupItem[]> => {
  const { items } = await readBackup(inPieces(bytes, size))
  const all: BackupItem[] = []
  for await (const item of items) all.push(item)
  return all
}

/** Not as a slice of a larger buffer. */
const plain = (row: Row): Row =>
  row.map((value) => (value instanceof Uint8Array ? new Uint8Array(value) : value))

const aRow = fc.tuple(
  fc.string({ unit: 'grapheme' }),
  fc.option(fc.uint8Array(), { nil: null }),
  fc.option(fc.maxSafeInteger(), { nil: null }),
)

test('what is written is read again, in chunks of any size', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(aRow), fc.integer({ min: 1, max: 3000 }), async (rows, size) => {
      const bytes = await bytesOf(writeBackup(source(new Map([['keys', rows]]))))
      const items = await readAll(bytes, size)
      const read = items.flatMap((item) => (item.kind === 'rows' ? item.rows.map(plain) : []))
      assert.deepEqual(read, rows)
      assert.deepEqual(items[1], {
        kind: 'file',
        part: 'files/0001',
        content: new Uint8Array([1, 2, 3]),
      })
    }),
    { numRuns: 50 },
  )
})

const whole = await bytesOf(writeBackup(source(new Map([['people', [['alice'], ['bob']]]]))))

test('any byte changed, anything cut off or added is refused', async () => {
  await fc.assert(
    fc.asyncProperty(fc.nat(whole.length - 1), fc.integer({ min: 1, max: 255 }), async (at, by) => {
      const changed = Buffer.from(whole)
      changed[at] = (changed[at] ?? 0) ^ by
      const { code } = await readAll(changed).catch((error: unknown) => Object(error))
      assert.match(code ?? 'accepted', /^backup\./)
    }),
    { numRuns: 300 },
  )
  for (let length = 0; length < whole.length - 1024; length += 512) {
    await assert.rejects(readAll(whole.subarray(0, length)), { name: 'Fault' })
  }
  await assert.rejects(readAll(Buffer.concat([whole, whole])), { name: 'Fault' })
})

test('a header that other programs read in another way is refused: a prefix, another kind, another spelling', async () => {
  const resigned = (at: number, text: string): Buffer => {
    const changed = Buffer.from(whole)
    changed.write(text, at, 'latin1')
    changed.write(' '.repeat(8), 148, 'latin1')
    const sum = changed.subarray(0, 512).reduce((total, byte) => total + byte, 0)
    changed.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148, 'latin1')
    return changed
  }
  assert.deepEqual(resigned(0, 'about'), whole, 'the test itself changes nothing')
  const size = whole.toString('latin1', 124, 135)
  for (const [at, text] of [
    [345, 'elsewhere'],
    [156, '2'],
    [157, '/etc/passwd'],
    [100, '0004755'],
    [124, ` ${size.slice(1)}`],
  ] as const) {
    await assert.rejects(readAll(resigned(at, text)), { code: 'backup.not-an-archive' }, text)
  }
})

test('what is said of a backup is judged before it is written: a name that could not be read', () => {
  const { about } = source(new Map())
  const inFolder = (name: string) =>
    isReadableAbout({
      ...about,
      files: [{ part: 'files/0001', setting: 'core.keyFile', inFolder: name, mode: 0o600 }],
    })
  for (const name of ['ca.pem', 'Our own CA (2026).pem', 'zürich.pem']) assert.ok(inFolder(name))
  for (const name of ['.hidden', '..', 'a/b', 'a\nb', 'a\0b', '', 'x'.repeat(256)]) {
    assert.equal(inFolder(name), false, name)
  }
})

test('names that lead elsewhere are not written', async () => {
  for (const part of ['../x', '/etc/x', 'files/../../x', '']) {
    const bad = source(new Map())
    const files = [{ part, setting: 'core.keyFile', mode: 0o600 }]
    const written = bytesOf(writeBackup({ ...bad, about: { ...bad.about, files } }))
    await assert.rejects(written, { code: 'backup.unfit-part' })
  }
})

test('a table or a column whose name is no plain name is refused: names become SQL', async () => {
  const columns = [{ name: 'a"; drop table keys; --', kind: 'text' as const }]
  const bad = source(new Map())
  const about = { ...bad.about, tables: [{ name: 'keys', columns }] }
  const bytes = await bytesOf(writeBackup({ ...bad, about }))
  await assert.rejects(readAll(bytes), { code: 'backup.damaged-about' })
})

test('another format is named as such', async () => {
  const bad = source(new Map())
  const later: unknown = { ...bad.about, format: 'keyrealm-backup/2' }
  // Written by a program of the future.
  const bytes = await bytesOf(writeBackup({ ...bad, about: later as BackupSource['about'] }))
  await assert.rejects(readAll(bytes), { code: 'backup.unknown-format' })
})
