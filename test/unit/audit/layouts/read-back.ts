// Parsers of what the layouts write, made from the public grammars and from nothing of ours: RFC 5424 §6 for syslog,
// the Common Event Format's escaping rules, and the pattern of the commercial product's request lines.

export interface SyslogMessage {
  readonly priority: number
  readonly time: string
  readonly host: string
  readonly app: string
  readonly messageId: string
  readonly dataId: string
  readonly data: Readonly<Record<string, string>>
  readonly message: string
}

const HEADER = /^<(\d{1,3})>1 (\S+) ([!-~]{1,255}) ([!-~]{1,48}) ([!-~]{1,128}) ([!-~]{1,32}) /
const PARAMETER = /^ ([!-~]{1,32}?)="((?:[^"\\\]]|\\["\\\]]|\\(?!["\\\]]))*)"/

/** Throws unless it is one whole message with one element of structured data. */
export const parseSyslog = (line: string): SyslogMessage => {
  const header = HEADER.exec(line)
  if (header === null) throw new Error('no header')
  const [whole, priority, time, host, app, , messageId] = header
  let rest = line.slice(whole.length)
  const element = /^\[([^\s=\]"]{1,32})/.exec(rest)
  if (element === null) throw new Error('no structured data')
  rest = rest.slice(element[0].length)
  const data: Record<string, string> = {}
  for (let found = PARAMETER.exec(rest); found !== null; found = PARAMETER.exec(rest)) {
    data[found[1] ?? ''] = (found[2] ?? '').replace(/\\(["\\\]])/g, '$1')
    rest = rest.slice(found[0].length)
  }
  if (!rest.startsWith('] ')) throw new Error('structured data without an end')
  return {
    priority: Number(priority),
    time: time ?? '',
    host: host ?? '',
    app: app ?? '',
    messageId: messageId ?? '',
    dataId: element[1] ?? '',
    data,
    message: rest.slice(2),
  }
}

export interface CefEvent {
  /** Version, vendor, product, version of the product, id, name, severity. */
  readonly header: readonly string[]
  readonly extension: ReadonlyMap<string, string>
}

const HEADER_FIELDS = 7
const KEY = /(?:^| )([A-Za-z0-9_.-]+)=/g

/** Values run to the next unescaped `key=`; they may hold spaces. */
export const parseCef = (text: string): CefEvent => {
  const fields: string[] = []
  let field = ''
  let index = 'CEF:'.length
  if (!text.startsWith('CEF:')) throw new Error('not CEF')
  for (; index < text.length && fields.length < HEADER_FIELDS; index += 1) {
    const letter = text[index] ?? ''
    if (letter === '|') {
      fields.push(field)
      field = ''
    } else if (letter === '\\') {
      index += 1
      field += text[index] ?? ''
    } else field += letter
  }
  const rest = text.slice(index)
  const keys = [...rest.matchAll(KEY)]
  const extension = new Map(
    keys.map((key, at) => {
      const end = keys[at + 1]?.index ?? rest.length
      const raw = rest.slice(key.index + key[0].length, end)
      const value = raw.replace(/\\([\\=nr])/g, (_all, letter: string) =>
        letter === 'n' ? '\n' : letter === 'r' ? '\r' : letter,
      )
      return [key[1] ?? '', value]
    }),
  )
  return { header: fields, extension }
}

const HDS =
  /\[KMS:(?<tag>REQUEST|EVENT)\] .*\bmethod: (?<method>[^\s,]+), type: (?<type>[^\s,]+), URI: (?<uri>[^\s,]+), userId: (?<userId>[^\s,]+), ecdheKid: (?<ecdheKid>[^\s,]+)/

/** What a parser of the product's lines takes out of one; undefined if it does not match. */
export const parseHds = (line: string): Readonly<Record<string, string>> | undefined =>
  HDS.exec(line)?.groups

/** Every `label: value` of a line, in order. */
export const hdsPairs = (line: string): readonly (readonly [string, string])[] =>
  line
    .slice(line.indexOf('] ') + 2)
    .split(', ')
    .slice(1)
    .map((pair) => {
      const at = pair.indexOf(': ')
      return [pair.slice(0, at), pair.slice(at + 2)]
    })
