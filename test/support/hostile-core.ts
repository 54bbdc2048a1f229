// A core that lies: the realm's own link dials it over TLS, and behind that link works a whole realm of `world.ts`. It
// carries what devices post, keeps all of it, and sends whatever a test makes of it.

import { createServer } from 'node:https'
import type { AddressInfo } from 'node:net'
import { type WebSocket, WebSocketServer } from 'ws'
import {
  type AnswersFrame,
  decodeRealmFrame,
  type HelloFrame,
  LINK_PATH,
  LINK_VERSION,
  type MessagesFrame,
  type SealedAnswer,
} from '../../src/boundary/index.ts'
import { type CoreLink, type CoreLinkOptions, openCoreLink } from '../../src/links/index.ts'
import { isRefusal } from '../../src/refusal.ts'
import { createMetrics, silentLog, systemClock } from '../../src/runtime/index.ts'
import { makeTestCertificates, type TestAuthority, type TestCredential } from './certificates.ts'
import { Device } from './device.ts'
import { DOMAIN, HOME, type Name, World, type WorldOptions } from './world.ts'

/** One connection of the realm. */
export interface Line {
  readonly hello: HelloFrame
  /** Says anything. */
  sayText(text: string | Uint8Array): void
  /** Sends a post and resolves with its answers; rejects if the line closes first. */
  ask(post: MessagesFrame): Promise<AnswersFrame>
  /** The close code that the realm gives. */
  readonly closed: Promise<number>
  cut(): void
}

export interface Port {
  readonly url: string
  /** Realms in the order they said hello, each welcomed unless told otherwise. */
  nextLine(): Promise<Line>
  /** Connections that were made, with or without a word. */
  connections(): number
  close(): Promise<void>
}

export interface PortWishes {
  readonly authority: TestAuthority
  readonly credential?: TestCredential
  readonly isWelcoming?: boolean
  /** Does it answer pings? */
  readonly isAlive?: boolean
}

const WELCOME = JSON.stringify({ type: 'welcome', version: LINK_VERSION })

const serveLine = (
  socket: WebSocket,
  onHello: (line: Line) => void,
  isWelcoming: boolean,
): void => {
  const asked = new Map<string, PromiseWithResolvers<AnswersFrame>>()
  const closed = new Promise<number>((resolve) => socket.once('close', resolve))
  socket.once('close', (code) => {
    for (const { reject } of asked.values()) reject(new Error(`the line closed with ${code}`))
  })
  socket.on('error', () => undefined)
  socket.on('message', (raw) => {
    const frame = decodeRealmFrame(raw.toString())
    if (isRefusal(frame)) throw new Error(`the realm sent a bad frame: ${frame.refused}`)
    if (frame.type === 'answers') asked.get(frame.id)?.resolve(frame)
    if (frame.type !== 'hello') return
    if (isWelcoming) socket.send(WELCOME)
    onHello({
      hello: frame,
      closed,
      sayText: (text) => socket.send(text),
      ask: (post) => {
        const answers = Promise.withResolvers<AnswersFrame>()
        asked.set(post.id, answers)
        socket.send(JSON.stringify(post))
        return answers.promise
      },
      cut: () => socket.terminate(),
    })
  })
}

/** The port that realms dial, in wrong hands. */
export const openPort = async ({
  authority,
  credential = authority.server(),
  isWelcoming = true,
  isAlive = true,
}: PortWishes): Promise<Port> => {
  const server = createServer({ ...credential, ca: authority.ca, requestCert: true })
  const sockets = new WebSocketServer({
    server,
    path: LINK_PATH,
    maxPayload: 64 * 1024 * 1024,
    autoPong: isAlive,
  })
  const lines: Line[] = []
  const waiting: ((line: Line) => void)[] = []
  let connections = 0
  server.on('connection', () => {
    connections += 1
  })
  sockets.on('connection', (socket) =>
    serveLine(
      socket,
      (line) => {
        const next = waiting.shift()
        if (next === undefined) lines.push(line)
        else next(line)
      },
      isWelcoming,
    ),
  )
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  return {
    url: `wss://localhost:${port}`,
    connections: () => connections,
    nextLine() {
      const line = lines.shift()
      return line === undefined
        ? new Promise((resolve) => waiting.push(resolve))
        : Promise.resolve(line)
    },
    close: () =>
      new Promise((resolve) => {
        for (const socket of sockets.clients) socket.terminate()
        sockets.close()
        server.close(() => resolve())
        server.closeAllConnections()
      }),
  }
}

/** What a post was and what came of it. */
export interface Carried {
  readonly post: MessagesFrame
  readonly answers: AnswersFrame
}

export interface HostileCore {
  readonly world: World
  readonly link: CoreLink
  /** Everything carried so far. */
  readonly carried: Carried[]
  line(): Line
  /** Waits for the realm to dial again. */
  nextLine(): Promise<Line>
  /** A device whose posts this core carries, faithfully. */
  device(name: Name, deviceName?: string, bearer?: string): Device
  signedIn(name: Name, deviceName?: string): Promise<Device>
  metrics(): Promise<string>
  close(): Promise<void>
}

export interface HostileWishes {
  readonly world?: WorldOptions
  readonly limits?: CoreLinkOptions['limits']
}

const QUICK = { backOffFirstMs: 10, backOffMostMs: 50 }

export interface Dialling {
  readonly url: string
  readonly authority: TestAuthority
  readonly limits?: CoreLinkOptions['limits']
  readonly metrics?: CoreLinkOptions['metrics']
  readonly times?: CoreLinkOptions['times']
}

/** What is sealed for somebody, of the answers to a post. */
export const sealedOf = ({ answers }: AnswersFrame): readonly SealedAnswer[] =>
  answers.filter((answer) => answer.kmsMessage !== undefined)

/** The realm's end of the line, as the appliance opens it, with a realm of `world.ts` behind it. */
export const dialFrom = (
  world: World,
  { url, authority, limits, metrics, times }: Dialling,
): CoreLink =>
  openCoreLink({
    url,
    tls: { ca: authority.ca, ...authority.client(DOMAIN) },
    hello: () => ({
      type: 'hello',
      version: LINK_VERSION,
      domain: DOMAIN,
      organizationIds: world.realm.settings.organizations,
      state: 'ready',
      details: {
        kmsCluster: HOME,
        rsaPublicKey: world.realm.staticKeys.published?.publicJwkJson ?? '',
      },
    }),
    handle: async (post) => ({
      type: 'answers',
      id: post.id,
      answers: await world.realm.corridor.handle(post),
    }),
    // This core asks for operations in-process; over the line it only carries posts.
    withdraw: () => Promise.reject(new Error('nothing was asked')),
    onRosters: async () => undefined,
    onSearch: async ({ id }) => ({ type: 'search-declined', id, status: 503, code: 'kms.locked' }),
    onNews: () => undefined,
    onOffboarded: async () => undefined,
    log: silentLog,
    metrics: metrics ?? createMetrics({ process: 'ignored' }),
    clock: systemClock,
    times: { ...QUICK, ...times },
    ...(limits === undefined ? {} : { limits }),
  })

export const openHostileCore = async (wishes: HostileWishes = {}): Promise<HostileCore> => {
  const authority = makeTestCertificates()
  const port = await openPort({ authority })
  const world = await World.open(wishes.world)
  const metrics = createMetrics({ process: 'ignored' })
  const { limits } = wishes
  const dialling = { url: port.url, authority, metrics }
  const link = dialFrom(world, limits === undefined ? dialling : { ...dialling, limits })
  let line = await port.nextLine()
  const carried: Carried[] = []
  const handle = async (post: MessagesFrame) => {
    const answers = await line.ask(post)
    carried.push({ post, answers })
    return sealedOf(answers)
  }
  const device = (name: Name, deviceName = 'laptop', bearer?: string): Device => {
    const { who } = world.device(name, {}, deviceName)
    const sender = {
      corridor: () => ({ handle }),
      staticJwk: () => world.realm.staticKeys.published?.publicJwkJson ?? '',
      home: HOME,
    }
    return new Device(sender, { ...who, bearer: bearer ?? who.bearer })
  }
  return {
    world,
    link,
    carried,
    device,
    line: () => line,
    async nextLine() {
      line = await port.nextLine()
      return line
    },
    async signedIn(name, deviceName) {
      const one = device(name, deviceName)
      await one.shake()
      return one
    },
    metrics: async () => (await metrics.text()).body,
    async close() {
      await link.close()
      await port.close()
      await world.close()
    },
  }
}
