// What the bench tells its load generator, and what it hears back. Plain data: it crosses between processes.
import type { CpuUse, Watched } from '../proc.ts'

/** Where the core is and whose realm is behind it. */
export interface Cloud {
  /** `https://HOST:PORT` */
  readonly origin: string
  readonly caFile: string
  /** Host of the realm's URIs. */
  readonly domain: string
}

export interface Somebody {
  readonly id: string
  readonly coreToken: string
  readonly kmsToken: string
}

/** One device each: registered, listening, with a session and a room of their own that has so many keys. */
export interface OpenDevices {
  readonly kind: 'open-devices'
  readonly cloud: Cloud
  readonly people: readonly Somebody[]
  readonly keysEach: number
}

/** Connections to the ceiling server, which shares one key with all of them. */
export interface OpenEchoes {
  readonly kind: 'open-echoes'
  readonly httpOrigin: string
  readonly httpsOrigin: string
  readonly caFile: string
  readonly keyB64u: string
  /** Requests are made to look like this person's. */
  readonly as: Somebody
  readonly domain: string
  readonly count: number
}

export type Work = 'retrieve' | 'create' | 'handshake' | 'echo-http' | 'echo-https'

export type Clients = 'ready' | 'working'

export interface Load {
  readonly kind: 'load'
  readonly work: Work
  /** How many of the open devices take part. Each has one post under way at a time. */
  readonly devices: number
  /** Messages in one post. */
  readonly perPost: number
  readonly seconds: number
  /**
   * `ready`: messages are sealed before the window and answers opened after it, so that the window holds the servers'
   * work and little else. `working`: clients seal and open as they go, as real ones must.
   */
  readonly clients: Clients
  /** Posts a second of all devices together; as fast as answers come unless told. */
  readonly postsPerSecond?: number
  /** Ends early after so many messages. */
  readonly most?: number
  /** Whose CPU time to read at the window's two ends. */
  readonly watched: Watched
}

export type Order = OpenDevices | OpenEchoes | Load

export interface Opened {
  readonly kind: 'opened'
  readonly devices: number
}

export interface Done {
  readonly kind: 'done'
  readonly messages: number
  /** Before the window, and not among the above. */
  readonly warmUpMessages: number
  readonly posts: number
  readonly seconds: number
  /** From the post to the arrival of its answer, one for each message. */
  readonly latenciesMs: Float64Array
  readonly cpu: CpuUse
  /** Messages sealed inside the window because fewer had been sealed before it than were needed. */
  readonly sealedInside: number
  readonly requestChars: number
  readonly answerChars: number
}

export interface Failed {
  readonly kind: 'failed'
  readonly why: string
}

export type Report = Opened | Done | Failed
