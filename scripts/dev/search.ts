// `keyrealm search`: a person of the running development world searches, by the reference client. Development only: it
// signs in with a password that anybody can read, and is no part of the realm, which never sees an opened message.
import { existsSync } from 'node:fs'
import { resolve } from 'node:path'
import { parseArgs } from 'node:util'
import type { Found, Hit, SearchOptions } from '../../src/client/index.ts'
import { makeDevelopmentCertificates } from '../make-dev-certs.ts'
import { gather } from './demonstration/party.ts'
import { marked } from './marked.ts'
import { PEOPLE, type Person, personNamed } from './people.ts'
import { describeWorld } from './ready-file.ts'
import { planWorld } from './world/plan.ts'

const HOME = resolve(import.meta.dirname, '../..')
const USAGE = `Usage: keyrealm search WORDS [--as NAME] [--room ID]... [--from NAME] [--since TIME] [--until TIME]
                       [--files] [--complete] [--all] [--json] [--data DIR] [--port-base N]
All WORDS must be in a message, by their roots; "words in quotes" as they are written.
Searches in the world that scripts/start runs. --complete asks for larger pages, --all prints every page.
`
const EXIT_USAGE = 2
const BOLD = ['\u001b[1m', '\u001b[22m'] as const
const BRACKETS = ['[', ']'] as const

/** The exit code: 0 if something was found, 1 if nothing was or it failed, 2 for a wrong command line. */
export async function runSearch(args: readonly string[]): Promise<number> {
  try {
    const wanted = readCommandLine(args)
    if (wanted !== undefined) return await search(wanted)
    process.stderr.write(USAGE)
    return EXIT_USAGE
  } catch (error) {
    process.stderr.write(`keyrealm: ${error instanceof Error ? error.message : String(error)}\n`)
    return 1
  }
}

interface Wanted {
  readonly words: string
  readonly person: Person
  readonly options: SearchOptions
  readonly isAll: boolean
  readonly isJson: boolean
  readonly data: string
  readonly portBase: number
}

async function search(wanted: Wanted): Promise<number> {
  const { data, portBase, person, words, options } = wanted
  const plan = planWorld({ dataDirectory: data, portBase })
  if (!existsSync(plan.certificates)) throw new Error(`There is no world in ${data}.`)
  const { certificates: directory, realms } = plan
  const certificates = makeDevelopmentCertificates({ directory, realms })
  const ready = await describeWorld({ plan, certificates }, [person])
  const realm = ready.realms.find(({ name }) => name === person.realm)
  if (realm === undefined) throw new Error(`${person.realm} is not in this world.`)
  await using party = gather(ready)
  const client = await party.join(person.name)
  let count = 0
  for (let page: Found | undefined = await client.search(words, options); page !== undefined; ) {
    count += page.hits.length
    print(page, wanted)
    page = wanted.isAll ? await page.next?.() : undefined
  }
  return count > 0 ? 0 : 1
}

function print({ hits, rooms, isTruncated, setAside, next }: Found, { isAll, isJson }: Wanted) {
  for (const hit of hits) console.log(isJson ? JSON.stringify(hit) : lineOf(hit))
  const searched =
    rooms === undefined
      ? 'the realm did not say how many rooms'
      : `${rooms} ${rooms === 1 ? 'room' : 'rooms'}`
  const aside = setAside.unreadable + setAside['not-matching']
  const notes = [
    `${hits.length} found in ${searched}`,
    ...(aside > 0 ? [`${aside} of the core's results did not hold`] : []),
    ...(isTruncated ? ['not all rooms were searched: name some with --room'] : []),
    ...(next !== undefined && !isAll ? ['there is more: --all'] : []),
  ]
  process.stderr.write(`${notes.join('; ')}\n`)
}

function lineOf({ publishedAt, roomTitle = '', authorId, parts }: Hit): string {
  const author = PEOPLE.find(({ id }) => id === authorId)?.name ?? authorId
  const signs = process.stdout.isTTY ? BOLD : BRACKETS
  const text = parts.map((part) => marked(part, signs)).join('  ')
  return `${publishedAt}  ${roomTitle}  ${author}: ${text}`
}

function readCommandLine(args: readonly string[]): Wanted | undefined {
  const read = parse(args)
  const [words, ...others] = read?.positionals ?? []
  if (read === undefined || words === undefined || others.length > 0) return undefined
  const { values } = read
  return {
    words,
    person: personNamed(values.as),
    isAll: values.all,
    isJson: values.json,
    data: resolve(values.data),
    portBase: Number(values['port-base']),
    options: {
      isComplete: values.complete,
      ...(values.files ? { hasFile: true } : {}),
      ...(values.room === undefined ? {} : { roomIds: values.room }),
      ...(values.from === undefined ? {} : { senderId: personNamed(values.from).id }),
      ...(values.since === undefined ? {} : { since: momentOf(values.since) }),
      ...(values.until === undefined ? {} : { until: momentOf(values.until) }),
    },
  }
}

function momentOf(text: string): number {
  const moment = Date.parse(text)
  if (Number.isNaN(moment))
    throw new Error(`"${text}" is no time: write 2026-11-22 or 2026-11-22T09:00:00Z.`)
  return moment
}

function parse(args: readonly string[]) {
  try {
    return parseArgs({
      args: [...args],
      allowPositionals: true,
      options: {
        as: { type: 'string', default: 'alice' },
        room: { type: 'string', multiple: true },
        from: { type: 'string' },
        since: { type: 'string' },
        until: { type: 'string' },
        files: { type: 'boolean', default: false },
        complete: { type: 'boolean', default: false },
        all: { type: 'boolean', default: false },
        json: { type: 'boolean', default: false },
        data: { type: 'string', default: `${HOME}/data` },
        'port-base': { type: 'string', default: '7400' },
      },
    })
  } catch {
    return undefined
  }
}
