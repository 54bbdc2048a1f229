// The commands of the lab over real files, as anybody runs them.

import assert from 'node:assert/strict'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, describe, it } from 'node:test'
import { gunzipSync, gzipSync } from 'node:zlib'
import { createIndexCommands } from '../../../src/main/index-commands.ts'

interface Posting {
  readonly room: string
  readonly messageId: string
  readonly hashes: readonly string[]
}

const folder = mkdtempSync(join(tmpdir(), 'keyrealm-lab-'))
const at = (name: string): string => join(folder, name)
const seed = '07'.repeat(32)
const rowsOf = <Row>(name: string): readonly Row[] =>
  readFileSync(at(name), 'utf8')
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line))

const printed: string[] = []
const commands = createIndexCommands({
  out: (text) => void printed.push(text),
  error: () => undefined,
})
const lines = (rows: readonly object[]): string =>
  rows.map((row) => `${JSON.stringify(row)}\n`).join('')

const messages = [
  { room: 'a', messageId: '1', user: 'u', time: 't', text: 'Boats are sailing' },
  { room: 'b', messageId: '2', user: 'u', time: 't', text: 'the boat' },
  { room: 'a', messageId: '3', user: 'u', time: 't', text: 'one boat, and 👍' },
  { room: 'a', messageId: '4', user: 'u', time: 't', text: '?!' },
]

describe('the index lab', () => {
  after(() => rmSync(folder, { recursive: true }))

  it('writes postings, expansions and traces that fit together', async () => {
    writeFileSync(at('messages.jsonl.gz'), gzipSync(lines(messages)))
    writeFileSync(
      at('terms.jsonl'),
      lines([
        { room: 'a', word: 'boats' },
        { room: 'a', word: 'absent' },
      ]),
    )
    writeFileSync(
      at('queries.jsonl'),
      lines([
        { room: 'a', word: 'boat', count: 7 },
        { room: 'a', word: 'absent', count: 1 },
      ]),
    )
    const code = await commands.indexLab({
      messages: at('messages.jsonl.gz'),
      out: at('out.jsonl'),
      terms: at('terms.jsonl'),
      expand: at('expand.jsonl'),
      queries: at('queries.jsonl'),
      trace: at('trace.jsonl'),
      seed,
      language: 'english',
      json: true,
    })
    assert.equal(code, 0)
    const postings = rowsOf<Posting>('out.jsonl')
    assert.deepEqual(
      postings.map(({ messageId }) => messageId),
      ['1', '2', '3', '4'],
    )
    assert.ok(postings.every(({ hashes }) => hashes.length === 4))
    assert.ok(postings.flatMap(({ hashes }) => hashes).every((hash) => /^[0-9a-f]{20}$/.test(hash)))
    const [boats, absent] = rowsOf<Posting>('expand.jsonl')
    const holders = postings.filter(({ hashes }) =>
      hashes.some((hash) => boats?.hashes.includes(hash)),
    )
    assert.deepEqual(
      holders.map(({ messageId }) => messageId),
      ['1', '3'],
    )
    assert.deepEqual(absent, { room: 'a', word: 'absent', hashes: [] })
    const [boat, nothing] = rowsOf<Posting & { readonly count: number }>('trace.jsonl')
    assert.deepEqual([...(boats?.hashes ?? [])].sort(), boat?.hashes)
    assert.equal(boat?.count, 7)
    assert.equal(nothing?.hashes.length, 1)
    assert.ok(
      postings.some(
        ({ room, hashes }) => room === 'a' && hashes.includes(nothing?.hashes[0] ?? ''),
      ),
    )
    assert.deepEqual(JSON.parse(printed.at(-1) ?? ''), {
      messages: 4,
      hashes: 16,
      expanded: 2,
      traced: 2,
    })
  })

  it('gives the same index for the same seed, and another one for another', async () => {
    const run = async (name: string, hex: string): Promise<string> => {
      writeFileSync(at('plain.jsonl'), lines(messages))
      await commands.indexLab({
        messages: at('plain.jsonl'),
        out: at(name),
        seed: hex,
        language: 'english',
      })
      return readFileSync(at(name), 'utf8')
    }
    const first = await run('one.jsonl', seed)
    assert.equal(await run('two.jsonl', seed), first)
    assert.notEqual(await run('three.jsonl', '08'.repeat(32)), first)
  })

  it('refuses half a pair, an unknown language, and a line that is no message by its number', async () => {
    const options = { messages: at('bad.jsonl'), out: at('bad.out'), language: 'english' }
    writeFileSync(at('bad.jsonl'), `${JSON.stringify(messages[0])}\n\n{"room":1}\n`)
    await assert.rejects(commands.indexLab(options), {
      code: 'main.invalid-line',
      message: /^line 3 of /,
    })
    await assert.rejects(commands.indexLab({ ...options, terms: 't' }), {
      code: 'main.half-a-pair',
    })
    await assert.rejects(commands.indexLab({ ...options, language: 'x' }), {
      code: 'main.unknown-language',
    })
    await assert.rejects(commands.indexLab({ ...options, messages: at('none.jsonl') }), {
      code: 'ENOENT',
    })
    await assert.rejects(commands.indexLab({ ...options, messages: at('none.jsonl.gz') }), {
      code: 'ENOENT',
    })
  })

  it('never writes over a file that it reads, nor two outputs into one', async () => {
    const text = lines(messages)
    writeFileSync(at('own.jsonl'), text)
    const options = { messages: at('own.jsonl'), out: at('own.out'), language: 'english' }
    const queries = { queries: at('own.jsonl'), trace: at('own.out') }
    for (const change of [{ out: `${folder}/./own.jsonl` }, queries]) {
      await assert.rejects(commands.indexLab({ ...options, ...change }), { code: 'main.same-file' })
    }
    assert.equal(readFileSync(at('own.jsonl'), 'utf8'), text)
  })

  it('writes a compressed file where the name says so, and reads past a byte order mark', async () => {
    writeFileSync(at('marked.jsonl'), `\uFEFF${lines(messages)}`)
    const options = { messages: at('marked.jsonl'), seed, language: 'english' }
    await commands.indexLab({ ...options, out: at('packed.jsonl.gz') })
    await commands.indexLab({ ...options, out: at('loose.jsonl') })
    const packed = gunzipSync(readFileSync(at('packed.jsonl.gz'))).toString()
    assert.equal(packed, readFileSync(at('loose.jsonl'), 'utf8'))
    assert.equal(packed.split('\n').length, messages.length + 1)
    await assert.rejects(commands.indexLab({ ...options, out: at('none/packed.gz') }), {
      code: 'ENOENT',
    })
  })

  it('reports what its index gives away', async () => {
    writeFileSync(at('few.jsonl'), lines(messages))
    const code = await commands.indexLeakage({
      messages: at('few.jsonl'),
      similar: at('few.jsonl'),
      seed,
      language: 'english',
      skip: 0,
      limit: 0,
    })
    assert.equal(code, 0)
    assert.match(printed.join(''), /recall\t100\.00 %/)
  })
})
