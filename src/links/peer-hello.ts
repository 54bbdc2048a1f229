// Which key exchange a TLS server negotiated, read from its own ServerHello as it leaves (RFC 8446 §4.1.3): the one
// message that says so in clear. Node tells a client, but not a server. It changes no byte.

import { Duplex } from 'node:stream'

const HANDSHAKE_RECORD = 22
const SERVER_HELLO = 2
const KEY_SHARE = 51
/** Record head, handshake head, version and random. */
const BEFORE_SESSION_ID = 5 + 4 + 2 + 32
/** Longer than any ServerHello but for its key share, of which only the head is read. */
const HELLO_MOST_BYTES = 512

/** IANA's TLS Supported Groups. */
const GROUPS = new Map([
  [0x11ec, 'X25519MLKEM768'],
  [0x11eb, 'SecP256r1MLKEM768'],
  [0x001d, 'X25519'],
  [0x0017, 'secp256r1'],
  [0x0018, 'secp384r1'],
])

/** The registered name of the group, or undefined if these bytes do not begin with a ServerHello that names one. */
const groupOfServerHello = (bytes: Uint8Array): string | undefined => {
  if (bytes.length <= BEFORE_SESSION_ID) return undefined
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length)
  if (bytes[0] !== HANDSHAKE_RECORD || bytes[5] !== SERVER_HELLO) return undefined
  // Session id, cipher suite, compression, length of the extensions.
  let at = BEFORE_SESSION_ID + 1 + (bytes[BEFORE_SESSION_ID] ?? 0) + 2 + 1 + 2
  while (at + 6 <= bytes.length) {
    if (view.getUint16(at) === KEY_SHARE) return GROUPS.get(view.getUint16(at + 4))
    at += 4 + view.getUint16(at + 2)
  }
  return undefined
}

/** The same bytes in both directions; remembers how what is written begins. */
export class HelloTap extends Duplex {
  readonly #inner: Duplex
  #first: Uint8Array = new Uint8Array()

  constructor(inner: Duplex) {
    super({ allowHalfOpen: true })
    this.#inner = inner
    inner.on('data', (bytes: Buffer) => {
      if (!this.push(bytes)) inner.pause()
    })
    inner.on('end', () => this.push(null))
    inner.on('error', (error) => this.destroy(error))
    inner.on('close', () => this.destroy())
    inner.pause()
  }

  get group(): string | undefined {
    return groupOfServerHello(this.#first)
  }

  override _read(): void {
    this.#inner.resume()
  }

  override _write(bytes: Buffer, _encoding: BufferEncoding, onDone: () => void): void {
    if (this.#first.length < HELLO_MOST_BYTES) {
      this.#first = Buffer.concat([this.#first, bytes]).subarray(0, HELLO_MOST_BYTES)
    }
    this.#inner.write(bytes, () => onDone())
  }

  override _final(onDone: () => void): void {
    this.#inner.end(() => onDone())
  }

  override _destroy(error: Error | null, onDone: (error: Error | null) => void): void {
    this.#inner.destroy()
    onDone(error)
  }
}
