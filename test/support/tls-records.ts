// A strict reader of what goes over a wire: TLS 1.3 records (RFC 8446 §5.1) and nothing else, with the two hellos read in full. It
// throws at the first byte that has no place; it knows no keys.

export interface TlsStream {
  /** Content types, in order: 22 the hello, 20 the change-cipher-spec for middleboxes, 23 everything else. */
  readonly types: readonly number[]
  readonly hello: Hello
}

export interface Hello {
  readonly kind: 'client' | 'server'
  /** Numbers of the extensions, in order. */
  readonly extensions: readonly number[]
  /** What it offers, or what was chosen. */
  readonly versions: readonly number[]
  readonly groups: readonly number[]
  readonly ciphers: readonly number[]
}

export const TLS_1_3 = 0x0304
export const X25519_MLKEM768 = 0x11ec
export const EXTENSION = { serverName: 0, alpn: 16, ticket: 35, psk: 41, earlyData: 42 } as const

const HANDSHAKE = 22
const CHANGE_CIPHER_SPEC = 20
const APPLICATION_DATA = 23
const CIPHERTEXT_MOST = 2 ** 14 + 256
/** RFC 8446 §4.1.3: a ServerHello with this random asks for another hello. */
const RETRY = 'cf21ad74e59a6111be1d8c021e65b891c2a211167abb8c5e079e09e2c8a8339c'

class Reader {
  readonly #bytes: Buffer
  #at = 0

  constructor(bytes: Buffer) {
    this.#bytes = bytes
  }

  get left(): number {
    return this.#bytes.length - this.#at
  }

  get isAtEnd(): boolean {
    return this.left === 0
  }

  take(count: number): Buffer {
    const bytes = this.#bytes.subarray(this.#at, this.#at + count)
    if (bytes.length !== count) throw new Error(`${count - bytes.length} bytes are missing`)
    this.#at += count
    return bytes
  }

  number(bytes: number): number {
    return this.take(bytes).readUIntBE(0, bytes)
  }

  /** A vector: its length in `lengthBytes`, then that much. */
  vector(lengthBytes: number): Reader {
    return new Reader(this.take(this.number(lengthBytes)))
  }

  numbers(bytes: number): readonly number[] {
    const all: number[] = []
    while (!this.isAtEnd) all.push(this.number(bytes))
    return all
  }
}

const expect = (isSo: boolean, what: string): void => {
  if (!isSo) throw new Error(`no TLS 1.3: ${what}`)
}

/** One direction of one connection, from its first byte. */
export const readTlsStream = (bytes: Buffer): TlsStream => {
  const reader = new Reader(bytes)
  const types: number[] = []
  let hello: Hello | undefined
  while (!reader.isAtEnd) {
    const type = reader.number(1)
    const version = reader.number(2)
    const body = reader.vector(2)
    if (types.length === 0) {
      expect(type === HANDSHAKE && (version === 0x0301 || version === 0x0303), 'the first record')
      hello = readHello(body)
    } else if (type === CHANGE_CIPHER_SPEC) {
      expect(types.length === 1 && version === 0x0303, 'a change of ciphers in the middle')
      expect(body.number(1) === 1 && body.isAtEnd, 'a change of ciphers that says something')
    } else {
      expect(type === APPLICATION_DATA && version === 0x0303, `a record of type ${type}`)
      const { length } = body.take(body.left)
      // The inner type and the tag of the cipher are at least so long.
      expect(length >= 17 && length <= CIPHERTEXT_MOST, `a record of ${length} bytes`)
    }
    types.push(type)
  }
  if (hello === undefined) throw new Error('no TLS 1.3: nothing was said')
  return { types, hello }
}

const readHello = (record: Reader): Hello => {
  const kind = record.number(1)
  expect(kind === 1 || kind === 2, 'a message that is no hello')
  const message = record.vector(3)
  expect(record.isAtEnd, 'something after the hello')
  expect(message.number(2) === 0x0303, 'the version of old')
  expect(message.take(32).toString('hex') !== RETRY, 'a second hello')
  message.vector(1)
  const ciphers = kind === 1 ? message.vector(2).numbers(2) : [message.number(2)]
  if (kind === 1) expect(message.vector(1).numbers(1).join() === '0', 'compression')
  else expect(message.number(1) === 0, 'compression')
  const extensions = readExtensions(message.vector(2))
  expect(message.isAtEnd, 'something after the extensions')
  return { kind: kind === 1 ? 'client' : 'server', ciphers, ...about(kind, extensions) }
}

const readExtensions = (reader: Reader): ReadonlyMap<number, Buffer> => {
  const extensions = new Map<number, Buffer>()
  while (!reader.isAtEnd) {
    const number = reader.number(2)
    expect(!extensions.has(number), 'an extension twice')
    const body = reader.vector(2)
    extensions.set(number, body.take(body.left))
  }
  return extensions
}

const SUPPORTED_VERSIONS = 43
const KEY_SHARE = 51

const about = (kind: number, extensions: ReadonlyMap<number, Buffer>) => {
  const versions = new Reader(extensions.get(SUPPORTED_VERSIONS) ?? Buffer.alloc(0))
  const shares = new Reader(extensions.get(KEY_SHARE) ?? Buffer.alloc(0))
  const groups: number[] = []
  for (const list = kind === 1 ? shares.vector(2) : shares; !list.isAtEnd; ) {
    groups.push(list.number(2))
    list.vector(2)
  }
  return {
    extensions: [...extensions.keys()],
    versions: kind === 1 ? versions.vector(1).numbers(2) : versions.numbers(2),
    groups,
  }
}
