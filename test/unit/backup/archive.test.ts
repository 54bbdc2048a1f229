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
import { type Part, readTar, writeTar } from '../../../src/backup/tar.ts'
import { sha256Hex } from '../../support/release-fixture.ts'

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

/** About which the first page says this; what follows is not reached. */
const unread = (about: BackupSource['about']): BackupSource => ({
  ...source(new Map()),
  about: Object.assign(Object.create({ files: [], tables: [] }), about, {
    toJSON: () => about,
    files: [],
    tables: [],
  }),
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
    [124, '0000000000x'],
    [124, '77777777777'],
    [0, '../x'],
    [0, '/x'],
    [0, 'aböut'],
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
  for (const name of ['ca.pem', 'Our own CA (2026).pem', 'zürich.pem', 'kms.a.example/ca.pem']) {
    assert.ok(inFolder(name))
  }
  for (const name of ['.hidden', '..', 'a/b/c', 'a\nb', 'a\0b', '', 'x'.repeat(256)]) {
    assert.equal(inFolder(name), false, name)
  }
  for (const name of ['../b', 'a/..', 'a/.b', '.a/b', '/a', 'a/', 'a//b', './a']) {
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

/** The parts of a true backup, sealed again as `change` leaves them, with digests that fit. */
const rearranged = async (change: (parts: readonly Part[]) => readonly Part[]): Promise<Buffer> => {
  const rows = new Map<string, readonly Row[]>([
    ['keys', [['kms://a/keys/1', new Uint8Array([1]), 1]]],
    ['people', [['alice']]],
  ])
  const parts: Part[] = []
  const bytes = await bytesOf(writeBackup(source(rows)))
  for await (const part of readTar(inPieces(bytes, 1000))) parts.push(part)
  const changed = change(parts.slice(0, -1))
  const digests = changed.map(({ name, content }) => `${sha256Hex(content)}  ${name}\n`).join('')
  const last = { name: 'SHA256SUMS', content: new TextEncoder().encode(digests) }
  return bytesOf(
    writeTar(
      (async function* all() {
        yield* [...changed, last]
      })(),
    ),
  )
}

test('parts come once, in their order, and all of them, though digests fit', async () => {
  const named = (parts: readonly Part[], name: string): Part => {
    const found = parts.find((part) => part.name === name)
    assert.ok(found !== undefined, name)
    return found
  }
  const [ONE, FILE, KEYS, PEOPLE] = [
    ...['settings.json', 'files/0001', 'tables/keys/000001.jsonl', 'tables/people/000001.jsonl'],
  ] as const
  const as = (part: Part, name: string): Part => ({ ...part, name })
  type Change = (parts: readonly Part[]) => readonly Part[]
  const without =
    (name: string): Change =>
    (parts) =>
      parts.filter((part) => part.name !== name)
  const swapped =
    (left: string, right: string): Change =>
    (parts) =>
      parts.map((part) => {
        if (part.name === left) return named(parts, right)
        return part.name === right ? named(parts, left) : part
      })
  const twice =
    (name: string): Change =>
    (parts) =>
      parts.flatMap((part) => (part.name === name ? [part, part] : [part]))
  const renamed =
    (from: string, to: string): Change =>
    (parts) =>
      parts.map((part) => (part.name === from ? as(part, to) : part))
  const more =
    (name: string): Change =>
    (parts) => [...parts, as(named(parts, PEOPLE), name)]
  assert.equal((await readAll(await rearranged((parts) => parts))).length, 4)
  assert.equal((await readAll(await rearranged(more('tables/people/000002.jsonl')))).length, 5)
  const odd: readonly Change[] = [
    ...['about.json', ONE, FILE].map(without),
    ...[ONE, FILE, KEYS, PEOPLE].map(twice),
    swapped(ONE, FILE),
    swapped('about.json', ONE),
    swapped(FILE, KEYS),
    swapped(KEYS, PEOPLE),
    renamed(FILE, 'files/0002'),
    renamed(PEOPLE, 'tables/strangers/000001.jsonl'),
    renamed(PEOPLE, 'tables/people/000002.jsonl'),
    more('tables/people/000003.jsonl'),
    more('tables/keys/000002.jsonl'),
    more('extra'),
    () => [],
  ]
  for (const [index, change] of odd.entries()) {
    const bytes = await rearranged(change)
    await assert.rejects(readAll(bytes), { code: 'backup.damaged' }, `${index}`)
  }
})

test('a row is a value of its kind for each column, or the backup is damaged', async () => {
  const rowOf = (text: string) =>
    rearranged((parts) =>
      parts.map((part) =>
        part.name === 'tables/keys/000001.jsonl'
          ? { ...part, content: new TextEncoder().encode(text) }
          : part,
      ),
    )
  assert.equal((await readAll(await rowOf('["kms://a",null,null]\n'))).length, 4)
  for (const row of [
    'no json',
    'null',
    '{}',
    '["kms://a",null]',
    '["kms://a",null,null,null]',
    '[7,null,null]',
    '["kms://a","no base64!",null]',
    '["kms://a",7,null]',
    '["kms://a",null,"7"]',
    '["kms://a",null,0.5]',
    '["kms://a",null,9007199254740993]',
  ]) {
    await assert.rejects(readAll(await rowOf(`${row}\n`)), { code: 'backup.damaged-rows' }, row)
  }
})

test('what a backup says of itself is taken word for word or not at all', async () => {
  const { about } = source(new Map())
  const [file] = about.files
  const odd: readonly object[] = [
    { domain: 'kms.acme.example/../x' },
    { createdAt: 'today' },
    { version: '' },
    { store: 'oracle' },
    { migrations: ['0001-keyring; drop'] },
    { migrations: 'all' },
    { tables: {} },
    { tables: [null] },
    { tables: [[]] },
    { tables: [{ name: 'keys', columns: [{ name: 'uri', kind: 'real' }] }] },
    { tables: [{ name: 'keys', columns: [{ name: 'uri' }] }] },
    { tables: [{ name: 7, columns: [] }] },
    { files: [{ ...file, mode: 0o4755 }] },
    { files: [{ ...file, mode: -1 }] },
    { files: [{ ...file, mode: 0.5 }] },
    { files: [{ ...file, mode: '384' }] },
    { files: [{ ...file, setting: '../core' }] },
    { files: [{ ...file, inFolder: '../x' }] },
  ]
  for (const change of odd) {
    const said: unknown = { ...about, ...change }
    // As somebody else's program would write it.
    const bytes = await bytesOf(writeBackup(unread(said as BackupSource['about'])))
    await assert.rejects(readAll(bytes), { code: 'backup.damaged-about' }, JSON.stringify(change))
  }
})

test('another format is named as such', async () => {
  const bad = source(new Map())
  const later: unknown = { ...bad.about, format: 'keyrealm-backup/2' }
  // Written by a program of the future.
  const bytes = await bytesOf(writeBackup({ ...bad, about: later as BackupSource['about'] }))
  await assert.rejects(readAll(bytes), { code: 'backup.unknown-format' })
})
