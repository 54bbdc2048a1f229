// How other programs ask a running development world to restart one of its realms: HTTP on loopback, with a token
// that only the owner of the data folder can read. It can restart what the world already runs, and nothing else.
// (A socket file in the data folder would be simpler, but socket paths end at 107 bytes and data folders do not.)
import { randomBytes, timingSafeEqual } from 'node:crypto'
import { existsSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { createServer, type IncomingMessage, request, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { Child } from './child.ts'

interface Contact {
  readonly port: number
  readonly token: string
}

interface Answer {
  readonly status: number
  readonly text: string
}

export interface Control {
  close(): void
}

/** Begins to take requests for `children` and writes down, in the data folder, how to reach it. */
export async function openControl(
  dataDirectory: string,
  children: ReadonlyMap<string, Child>,
): Promise<Control> {
  const token = randomBytes(24).toString('base64url')
  const server = createServer((asked, response) => {
    if (!isSame(asked.headers.authorization ?? '', token)) {
      response.writeHead(401).end()
      return
    }
    void answer(asked, children).then(({ status, text }) => response.writeHead(status).end(text))
  })
  const port = await listen(server)
  writeContact(dataDirectory, { port, token })
  return {
    close() {
      rmSync(contactFile(dataDirectory), { force: true })
      server.close()
      server.closeAllConnections()
    },
  }
}

async function answer(
  { method, url }: IncomingMessage,
  children: ReadonlyMap<string, Child>,
): Promise<Answer> {
  const name = url?.replace('/restart/', '') ?? ''
  const child = children.get(name)
  if (method !== 'POST' || !child) return { status: 404, text: `no "${name}" here` }
  try {
    await child.restart()
    return { status: 200, text: `${name} is ready again` }
  } catch (error) {
    return { status: 500, text: error instanceof Error ? error.message : String(error) }
  }
}

/** Resolves, with what the world said, when the named child was killed and answers again. */
export async function askToRestart(dataDirectory: string, name: string): Promise<string> {
  const answer = await ask(dataDirectory, `/restart/${name}`)
  if (!answer) throw new Error(`No development world runs in ${dataDirectory}.`)
  const { status, text } = answer
  if (status !== 200) throw new Error(`${name} was not restarted (${status}): ${text}`)
  return text
}

/** Whether a world that can be asked runs in this folder. A file left by a killed one does not count. */
export async function isWorldRunningIn(dataDirectory: string): Promise<boolean> {
  return (await ask(dataDirectory, '/')) !== undefined
}

function contactFile(dataDirectory: string): string {
  return `${dataDirectory}/supervisor.json`
}

function writeContact(dataDirectory: string, contact: Contact): void {
  const file = contactFile(dataDirectory)
  writeFileSync(`${file}.new`, JSON.stringify(contact), { mode: 0o600 })
  renameSync(`${file}.new`, file)
}

function readContact(dataDirectory: string): Contact | undefined {
  const file = contactFile(dataDirectory)
  return existsSync(file) ? JSON.parse(readFileSync(file, 'utf8')) : undefined
}

function isSame(given: string, wanted: string): boolean {
  const left = Buffer.from(given)
  const right = Buffer.from(`Bearer ${wanted}`)
  return left.length === right.length && timingSafeEqual(left, right)
}

function listen(server: Server): Promise<number> {
  return new Promise((resolve, reject) => {
    server.once('error', reject)
    server.listen(0, '127.0.0.1', () => resolve((server.address() as AddressInfo).port))
  })
}

/** Waits as long as it takes: a restart ends by itself, one way or the other. Undefined when nobody is there. */
async function ask(dataDirectory: string, path: string): Promise<Answer | undefined> {
  const contact = readContact(dataDirectory)
  return contact && (await post(contact, path).catch(() => undefined))
}

function post({ port, token }: Contact, path: string): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const headers = { authorization: `Bearer ${token}` }
    const sent = request({ host: '127.0.0.1', port, path, method: 'POST', headers }, (answer) => {
      answer.setEncoding('utf8')
      let text = ''
      answer.on('data', (chunk: string) => {
        text += chunk
      })
      answer.on('end', () => resolve({ status: answer.statusCode ?? 0, text }))
    })
    sent.on('error', reject)
    sent.end()
  })
}
