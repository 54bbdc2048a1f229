// The index lab over files: what our index would give the cloud, and our own attacks on it. No realm, no keys of a realm.

import { resolve } from 'node:path'
import type {
  CliOutput,
  IndexActions,
  IndexLabOptions,
  IndexLeakageOptions,
} from '../admin/index.ts'
import { SecretBytes, systemRandom } from '../crypto/index.ts'
import { Lab, type LabMessage, type LeakageReport, reportLeakage } from '../indexer/index.ts'
import { type Language, parseLanguage } from '../words/index.ts'
import { DONE, printRows, type Row } from './beside.ts'
import { CommandError } from './command-error.ts'
import { inGroups, type ParseLine, readJsonLines, writeJsonLines } from './json-lines.ts'

const SEED_BYTES = 32
const BATCH = 1000
const REPORT_EVERY = 100_000

interface LabWord {
  readonly room: string
  readonly word: string
  readonly count?: number
}

/** Corpora call a message's name `id`, our own frames `messageId`. */
const parseMessage: ParseLine<LabMessage> = ({ room, messageId, id, text }) => {
  const name = messageId ?? id
  if (typeof room !== 'string' || typeof name !== 'string' || typeof text !== 'string') return
  return { room, messageId: name, text }
}

const parseTerm: ParseLine<LabWord> = ({ room, word }) =>
  typeof room === 'string' && typeof word === 'string' ? { room, word } : undefined

const parseQuery: ParseLine<LabWord> = ({ room, word, count }) => {
  if (typeof room !== 'string' || typeof word !== 'string') return
  return typeof count === 'number' ? { room, word, count } : undefined
}

const seedOf = (hex: string | undefined): SecretBytes =>
  SecretBytes.from(
    hex === undefined ? systemRandom.bytes(SEED_BYTES) : Uint8Array.from(Buffer.from(hex, 'hex')),
  )

const languageOf = (raw: string): Language => {
  const language = parseLanguage(raw)
  if (language === undefined) {
    throw new CommandError('main.unknown-language', 'no such language; see src/words')
  }
  return language
}

/** Two files that only make sense together. */
const pairOf = (
  from: string | undefined,
  to: string | undefined,
): { readonly from: string; readonly to: string } | undefined => {
  if (from !== undefined && to !== undefined) return { from, to }
  if (from === undefined && to === undefined) return undefined
  throw new CommandError('main.half-a-pair', '--terms goes with --expand, --queries with --trace')
}

/** Outputs are emptied before they are written: one that is also read, or written twice, would be lost. */
const refuseSameFiles = ({ messages, out, ...more }: IndexLabOptions): void => {
  const { terms, expand, queries, trace } = more
  const named = (paths: readonly (string | undefined)[]): readonly string[] =>
    paths.flatMap((path) => (path === undefined ? [] : [resolve(path)]))
  const read = named([messages, terms, queries])
  const written = named([out, expand, trace])
  const isLost = written.some((path) => read.includes(path))
  if (isLost || new Set(written).size < written.length) {
    throw new CommandError('main.same-file', 'a file that is written must have a name of its own')
  }
}

interface LabCounts {
  readonly messages: number
  readonly hashes: number
}

const indexAll = async (
  lab: Lab,
  options: IndexLabOptions,
  output: CliOutput,
): Promise<LabCounts> => {
  const out = writeJsonLines(options.out)
  let messages = 0
  let hashes = 0
  for await (const group of inGroups(readJsonLines(options.messages, parseMessage), BATCH)) {
    for (const posting of lab.index(group)) {
      hashes += posting.hashes.length
      await out.write(posting)
    }
    messages += group.length
    if (messages % REPORT_EVERY === 0) output.error(`${messages} messages\n`)
  }
  await out.close()
  return { messages, hashes }
}

const answerAll = async (
  files: { readonly from: string; readonly to: string },
  parse: ParseLine<LabWord>,
  answer: (asked: LabWord) => readonly string[],
): Promise<number> => {
  const out = writeJsonLines(files.to)
  let rows = 0
  for await (const asked of readJsonLines(files.from, parse)) {
    const { room, word, count } = asked
    const hashes = answer(asked)
    await out.write(count === undefined ? { room, word, hashes } : { room, word, hashes, count })
    rows += 1
  }
  await out.close()
  return rows
}

const print = (rows: readonly Row[], json: true | undefined, output: CliOutput): void => {
  if (json === true) output.out(`${JSON.stringify(Object.fromEntries(rows))}\n`)
  else printRows(rows, output)
}

const runLab = async (options: IndexLabOptions, output: CliOutput): Promise<number> => {
  const terms = pairOf(options.terms, options.expand)
  const queries = pairOf(options.queries, options.trace)
  refuseSameFiles(options)
  const lab = new Lab({ seed: seedOf(options.seed), language: languageOf(options.language) })
  const { messages, hashes } = await indexAll(lab, options, output)
  const rows: Row[] = [
    ['messages', messages],
    ['hashes', hashes],
  ]
  if (terms !== undefined) {
    const expanded = await answerAll(terms, parseTerm, ({ room, word }) => lab.expand(room, word))
    rows.push(['expanded', expanded])
  }
  if (queries !== undefined) {
    const traced = await answerAll(queries, parseQuery, ({ room, word }) => lab.trace(room, word))
    rows.push(['traced', traced])
  }
  print(rows, options.json, output)
  return DONE
}

const readMessages = async (
  path: string,
  { skip, limit }: { readonly skip: number; readonly limit: number },
): Promise<readonly LabMessage[]> => {
  const messages: LabMessage[] = []
  let seen = 0
  for await (const message of readJsonLines(path, parseMessage)) {
    seen += 1
    if (seen <= skip) continue
    messages.push(message)
    if (messages.length === limit) break
  }
  return messages
}

const percent = (share: number): string => `${(100 * share).toFixed(2)} %`

/** Beside each attack on our index stands what it does to an index that repeats its hashes. */
const reportRows = (report: LeakageReport): readonly Row[] => {
  const { named, namedIfRepeated, noise, queries, queriesIfRepeated } = report
  const against = (name: string, ours: number, theirs: number): Row => [
    name,
    percent(ours),
    `${percent(theirs)} if hashes repeated`,
  ]
  return [
    ['messages', report.messages],
    ['rooms', report.rooms],
    ['hashes', report.hashes],
    ['chance', percent(report.chance)],
    against('named by frequency', named.byFrequency, namedIfRepeated.byFrequency),
    against('named by co-occurrence', named.byCoOccurrence, namedIfRepeated.byCoOccurrence),
    against('named by list length', named.byListLength, namedIfRepeated.byListLength),
    against('named, a fifth known', named.byKnownMessages, namedIfRepeated.byKnownMessages),
    ['best above chance', percent(report.aboveChance)],
    ['noise AUC by count', noise.byCount.toFixed(4)],
    ['noise AUC by position', noise.byPosition.toFixed(4)],
    ['noise AUC by list length', noise.byListLength.toFixed(4)],
    ['order tau', report.orderTau.toFixed(4)],
    ['length leak, bits', report.lengthBits.toFixed(3)],
    ['storage overhead', percent(report.storageOverhead)],
    ['recall', percent(report.recall)],
    ['queries', queries.queries],
    against('queries named by volume', queries.byVolume, queriesIfRepeated.byVolume),
    against('queries named by age', queries.byAge, queriesIfRepeated.byAge),
    against(
      'queries named by co-occurrence',
      queries.byCoOccurrence,
      queriesIfRepeated.byCoOccurrence,
    ),
    ['most hashes of a query', queries.mostHashes],
  ]
}

const runLeakage = async (options: IndexLeakageOptions, output: CliOutput): Promise<number> => {
  const messages = await readMessages(options.messages, options)
  const similar = await readMessages(options.similar, { skip: 0, limit: 0 })
  const report = reportLeakage({
    messages:
      options.oneRoom === true ? messages.map((each) => ({ ...each, room: 'all' })) : messages,
    similar: similar.map(({ text }) => text),
    seed: seedOf(options.seed),
    language: languageOf(options.language),
    progress: (what) => output.error(`${what}\n`),
  })
  if (options.json === true) output.out(`${JSON.stringify(report)}\n`)
  else printRows(reportRows(report), output)
  return DONE
}

export const createIndexCommands = (output: CliOutput): IndexActions => ({
  indexLab: (options) => runLab(options, output),
  indexLeakage: (options) => runLeakage(options, output),
})
