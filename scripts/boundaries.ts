// The import table of the house, as data: which room may import which, and which library lives where.
// It decides nothing by itself: `check-boundaries.ts` reads it, `test/architecture` tries to break it.
// A closed world: a room, library or Node built-in that is not listed here is refused.

export interface Room {
  /** language: what words mean. domain: what is right. edge: how bytes move. beyond: not ours to trust. */
  readonly kind: 'language' | 'domain' | 'edge' | 'beyond'
  /** Rooms whose door this room may import. The ground files are open to every room. */
  readonly rooms: readonly string[]
  /** Rooms of which it may import types, and nothing that runs. */
  readonly types?: readonly string[]
  /** npm packages. `name` allows the root and its subpaths, `name/*` allows subpaths only. */
  readonly libraries?: readonly string[]
  /** Node built-ins, without the `node:` prefix. */
  readonly builtins?: readonly string[]
  /** What single files may use on top, by path inside the room; a trailing slash names a folder. */
  readonly files?: Readonly<Record<string, FileGrant>>
}

export interface FileGrant {
  readonly libraries?: readonly string[]
  readonly builtins?: readonly string[]
}

/** Files at the top of `src/` that every room may import, and that import nothing but each other. */
export const GROUND: readonly string[] = ['refusal.ts', 'fault.ts', 'time.ts', 'id.ts']

/** The composition root, a file and a folder: it may import every room of the realm, and no room may import it. */
export const ROOTS: readonly string[] = ['main.ts', 'main/']

/** Rooms on the far side of the wall; a composition root must never name them. */
export const BEYOND_THE_WALL: readonly string[] = ['core', 'client']

/** Everything the cloud core may reach, however many imports away. The ground files are always included. */
export const REACHABLE_FROM_CORE: readonly string[] = ['core', 'boundary', 'runtime']

const FILES = ['fs', 'fs/promises', 'path', 'url', 'os']
const NETWORK = ['http', 'http2', 'https', 'net', 'tls', 'dns', 'dns/promises', 'dgram']
const FLOW = [
  'events',
  'stream',
  'stream/promises',
  'stream/consumers',
  'timers/promises',
  'util',
  'async_hooks',
]
const PROCESS = ['process', 'perf_hooks', 'v8', 'diagnostics_channel']
const EDGE = [...FILES, ...NETWORK, ...FLOW, ...PROCESS]

const WEB_SERVER = ['hono', '@hono/node-server']
const BROWSER_SAFE_CRYPTO = ['jose', '@noble/hashes', '@peculiar/x509']
const SQL = ['kysely', 'better-sqlite3', 'pg']

export const ROOMS: Readonly<Record<string, Room>> = {
  boundary: { kind: 'language', rooms: [] },
  crypto: {
    kind: 'language',
    rooms: [],
    libraries: [...BROWSER_SAFE_CRYPTO, '@peculiar/*'],
    builtins: ['crypto', 'util', 'buffer'],
    // RSA work and large amounts of tokens leave the event loop here, and nowhere else.
    files: {
      'rsa-workers.ts': { builtins: ['worker_threads'] },
      'rsa-worker.ts': { builtins: ['worker_threads', 'os'] },
      'token-workers.ts': { builtins: ['worker_threads'] },
      'token-worker.ts': { builtins: ['worker_threads', 'os'] },
      'age.ts': { libraries: ['age-encryption'] },
      'pkcs12.ts': { libraries: ['node-forge'] },
      'pkcs12-cost.ts': { libraries: ['node-forge'] },
      // @peculiar/x509 does not load without it.
      'crl.ts': { libraries: ['reflect-metadata'] },
      'peer-certificate.ts': { libraries: ['reflect-metadata'] },
      'certificate-request.ts': { libraries: ['reflect-metadata'] },
    },
  },
  protocol: { kind: 'language', rooms: ['crypto', 'boundary'] },
  words: {
    kind: 'language',
    rooms: [],
    // Leaf files only: importing the root of `natural` reads a `.env` file into the environment.
    files: { 'root.ts': { libraries: ['natural/lib/natural/stemmers/*', '@orama/stemmers/*'] } },
  },
  identity: { kind: 'domain', rooms: ['crypto', 'protocol'] },
  audit: { kind: 'domain', rooms: ['crypto', 'identity'] },
  backup: { kind: 'domain', rooms: ['crypto'] },
  kms: {
    kind: 'domain',
    rooms: ['protocol', 'identity', 'audit', 'crypto'],
    // The shape of what comes in and goes out; how it travels is none of its business.
    types: ['boundary'],
  },
  federation: { kind: 'domain', rooms: ['kms', 'protocol', 'identity', 'audit', 'crypto'] },
  indexer: {
    kind: 'domain',
    rooms: ['kms', 'protocol', 'identity', 'audit', 'crypto', 'boundary', 'words'],
  },
  compliance: { kind: 'domain', rooms: ['kms', 'identity', 'audit'] },
  release: { kind: 'domain', rooms: ['crypto', 'audit'] },
  admin: {
    kind: 'domain',
    rooms: ['kms', 'federation', 'compliance', 'indexer', 'identity', 'audit'],
    files: {
      'console/': { libraries: WEB_SERVER },
      'cli.ts': { libraries: ['commander'] },
      'cli-access.ts': { libraries: ['commander'] },
      'cli-audit.ts': { libraries: ['commander'] },
      'cli-backup.ts': { libraries: ['commander'] },
      'examples.ts': { libraries: ['commander'] },
      'cli-index.ts': { libraries: ['commander'] },
      'cli-indexing.ts': { libraries: ['commander'] },
      'cli-options.ts': { libraries: ['commander'] },
      'cli-peers.ts': { libraries: ['commander'] },
      'cli-ship.ts': { libraries: ['commander'] },
      'cli-witness.ts': { libraries: ['commander'] },
    },
  },
  config: { kind: 'edge', rooms: [], libraries: ['zod'], builtins: EDGE },
  runtime: { kind: 'edge', rooms: [], libraries: ['pino', 'prom-client'], builtins: EDGE },
  store: {
    kind: 'edge',
    // Types only, and not `crypto` at all: whoever steals this layer holds wrapped bytes.
    rooms: [],
    types: ['backup', 'kms', 'federation', 'indexer', 'compliance', 'admin', 'identity', 'audit'],
    libraries: SQL,
    builtins: EDGE,
  },
  listeners: {
    kind: 'edge',
    rooms: ['kms', 'admin', 'identity', 'audit', 'protocol', 'boundary', 'runtime'],
    libraries: WEB_SERVER,
    builtins: EDGE,
    // Entries of the log are compressed on their way out.
    files: { 'log.ts': { builtins: ['zlib'] } },
  },
  links: {
    kind: 'edge',
    rooms: ['federation', 'indexer', 'identity', 'audit', 'protocol', 'boundary', 'runtime'],
    libraries: ['ws'],
    builtins: EDGE,
  },
  client: {
    kind: 'beyond',
    rooms: ['boundary', 'words'],
    types: ['protocol'],
    libraries: BROWSER_SAFE_CRYPTO,
    // The adapter for Node; everything else must run in a browser as it is.
    files: {
      'node.ts': { libraries: ['ws'], builtins: [...EDGE, 'crypto'] },
      // @peculiar/x509 does not load without it.
      'certificates.ts': { libraries: ['reflect-metadata'] },
    },
  },
  core: {
    kind: 'beyond',
    rooms: ['boundary', 'runtime'],
    libraries: [...WEB_SERVER, 'ws'],
    builtins: EDGE,
    files: {
      'store/': { libraries: SQL },
      'config.ts': { libraries: ['zod'] },
      // Entrances: raw JSON of strangers is parsed here.
      'http/parse-body.ts': { libraries: ['zod'] },
      'devices/device-routes.ts': { libraries: ['zod'] },
      'rooms/board-routes.ts': { libraries: ['zod'] },
      'rooms/room-bodies.ts': { libraries: ['zod'] },
      'search/search-body.ts': { libraries: ['zod'] },
    },
  },
}

/** What the composition root may use by itself. */
export const ROOT_GRANT: FileGrant = {
  builtins: [...EDGE, 'readline', 'readline/promises', 'zlib'],
}

/** The one file outside `src/` that may be imported, by the composition root: it knows our version. */
export const MANIFEST = '../package.json'

/** Ways to load code that a reader of import statements would miss. */
export const HIDDEN_LOADERS: readonly string[] = ['require', 'createRequire', 'getBuiltinModule']

/** Rooms that run in a browser as they are, but for these files. */
export const BROWSER_ROOMS: readonly string[] = ['client', 'words']
export const NODE_ADAPTERS: readonly string[] = ['client/node.ts']

/** Globals of Node that a browser does not have; refused in those rooms. */
export const NODE_GLOBALS: readonly string[] = ['Buffer', 'process', 'setImmediate', '__dirname']

/**
 * Global WebCrypto is a crypto library without an import: only these rooms may touch it. A fresh UUID is no key, so
 * edges may make one; in language and domain rooms it would be randomness nobody handed in.
 */
export const WEBCRYPTO_ROOMS: readonly string[] = ['crypto', 'client']

/** Names that say nothing about what a file is for. */
export const EMPTY_NAMES: readonly string[] = [
  'utils',
  'util',
  'helpers',
  'helper',
  'common',
  'shared',
  'misc',
  'manager',
  'service',
  'services',
  'handler',
  'handlers',
  'base',
  'types',
]

export const LONGEST_FILE_LINES = 400

/** What no clone of this repository has: a comment that points there points nowhere. */
export const NOT_IN_A_CLONE = /\bprotocol\.md\b|\.\.\/shared\b|\/work\//
