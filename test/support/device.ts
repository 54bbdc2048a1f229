// A device of somebody: hands the realm what real clients hand it, made with jose and node:crypto, so that
// nothing of the realm's own channel code vouches for itself.

import assert from 'node:assert/strict'
import { createECDH, createPrivateKey, createPublicKey, diffieHellman, hkdfSync } from 'node:crypto'
import * as jose from 'jose'
import type { CorePart, MessagesFrame, SealedAnswer } from '../../src/boundary/index.ts'
import type { Corridor, OperationAnswer } from '../../src/kms/index.ts'

export type Json = Readonly<Record<string, unknown>>

/** A way into a realm; not every one of them carries operations. */
export type Way = Pick<Corridor, 'handle'> & Partial<Pick<Corridor, 'operate'>>

export interface Sender {
  readonly corridor: () => Way
  /** The published static JWK, as JSON. */
  readonly staticJwk: () => string
  readonly home: string
}

export interface Who {
  readonly userId: string
  readonly clientId: string
  bearer: string
}

interface Channel {
  readonly uri: string
  readonly key: Uint8Array
}

const utf8 = new TextEncoder()
let requests = 0
export const newRequestId = (): string => {
  requests += 1
  return `request-${requests}`
}

let operations = 0
export const newOperationId = (): string => {
  operations += 1
  return `operation-${operations}`
}

const sharedSecret = (own: jose.JWK, theirs: jose.JWK): Uint8Array =>
  diffieHellman({
    privateKey: createPrivateKey({ key: own as never, format: 'jwk' }),
    publicKey: createPublicKey({ key: theirs as never, format: 'jwk' }),
  })

export const ownKeyPair = (): jose.JWK => {
  const half = createECDH('prime256v1')
  half.generateKeys()
  const point = half.getPublicKey()
  const b64u = (bytes: Buffer) => bytes.toString('base64url')
  const d = half.getPrivateKey()
  return {
    kty: 'EC',
    crv: 'P-256',
    x: b64u(point.subarray(1, 33)),
    y: b64u(point.subarray(33)),
    d: b64u(Buffer.concat([Buffer.alloc(32 - d.length), d])),
  }
}

const publicHalf = ({ kty, crv, x, y }: jose.JWK): Json => ({ kty, crv, x, y })

export class Device {
  readonly who: Who
  /** The static key that a running client keeps for its life; absent: the one published now. */
  pinnedStaticJwk: string | undefined
  readonly #sender: Sender
  #channel: Channel | undefined

  constructor(sender: Sender, who: Who) {
    this.#sender = sender
    this.who = who
  }

  get channel(): Channel {
    assert.ok(this.#channel, 'no session yet')
    return this.#channel
  }

  #staticJwk(): jose.JWK {
    return JSON.parse(this.pinnedStaticJwk ?? this.#sender.staticJwk())
  }

  client(changes: Json = {}): Json {
    const { userId, clientId, bearer } = this.who
    return { clientId, credential: { userId, bearer, ...changes } }
  }

  /** A handshake message, sealed to the static key. */
  async sealHandshake(request: Json): Promise<string> {
    const jwk = this.#staticJwk()
    const key = await jose.importJWK(jwk, 'RSA-OAEP')
    return new jose.CompactEncrypt(utf8.encode(JSON.stringify(request)))
      .setProtectedHeader({ enc: 'A256GCM', alg: 'RSA-OAEP', kid: String(jwk.kid) })
      .encrypt(key)
  }

  async seal(request: Json | string, channel: Channel = this.channel): Promise<string> {
    const text = typeof request === 'string' ? request : JSON.stringify(request)
    return new jose.CompactEncrypt(utf8.encode(text))
      .setProtectedHeader({ enc: 'A256GCM', alg: 'dir', kid: channel.uri })
      .encrypt(channel.key)
  }

  async open(compact: string): Promise<Json> {
    const { plaintext, protectedHeader } = await jose.compactDecrypt(compact, this.channel.key)
    assert.deepEqual(protectedHeader, { enc: 'A256GCM', alg: 'dir', kid: this.channel.uri })
    return JSON.parse(new TextDecoder().decode(plaintext))
  }

  /** Verifies a JWS of the realm. */
  async verify(compact: string): Promise<Json> {
    const jwk = this.#staticJwk()
    const key = await jose.importJWK(jwk, 'PS256')
    const { payload, protectedHeader } = await jose.compactVerify(compact, key)
    assert.equal(protectedHeader.alg, 'PS256')
    assert.equal(protectedHeader.kid, jwk.kid)
    return JSON.parse(new TextDecoder().decode(payload))
  }

  post(kmsMessages: readonly string[], changes: Json = {}): Promise<readonly SealedAnswer[]> {
    const { userId, clientId } = this.who
    return this.#sender.corridor().handle({
      type: 'messages',
      id: newRequestId(),
      sync: false,
      httpUser: userId,
      httpDevice: clientId,
      trackingId: 'test_1',
      kmsMessages,
      ...changes,
    })
  }

  /** As the core passes on a message that came inside a request about a room. */
  operate(
    kmsMessage: string,
    part?: Omit<CorePart, 'user'> & Partial<CorePart>,
    changes: Partial<MessagesFrame> = {},
  ): Promise<OperationAnswer> {
    const { userId, clientId } = this.who
    const { operate } = this.#sender.corridor()
    assert.ok(operate, 'no operations go this way')
    return operate({
      type: 'messages',
      id: newOperationId(),
      sync: true,
      httpUser: userId,
      httpDevice: clientId,
      trackingId: 'test_1',
      kmsMessages: [kmsMessage],
      ...(part === undefined ? {} : { part: { user: userId, ...part } }),
      ...changes,
    })
  }

  handshakeRequest(own: jose.JWK, changes: Json = {}): Json {
    return {
      method: 'create',
      uri: `${this.#sender.home}/ecdhe`,
      requestId: newRequestId(),
      jwk: publicHalf(own),
      client: this.client(),
      ...changes,
    }
  }

  /** The signed answer to a handshake; on success the session is kept and used from now on. */
  async shake(changes: Json = {}, own: jose.JWK = ownKeyPair()): Promise<Json> {
    const [answer] = await this.post([
      await this.sealHandshake(this.handshakeRequest(own, changes)),
    ])
    assert.ok(answer, 'the handshake was met with silence')
    const payload = await this.verify(answer.kmsMessage)
    if (payload['status'] === 201) {
      const key = payload['key'] as { uri: string; jwk: jose.JWK }
      const z = sharedSecret(own, key.jwk)
      this.#channel = { uri: key.uri, key: new Uint8Array(hkdfSync('sha256', z, '', '', 32)) }
    }
    return payload
  }

  request(fields: Json): Json {
    return { requestId: newRequestId(), client: this.client(), ...fields }
  }

  /** One request through the corridor; the opened answer. */
  async ask(method: string, uri: string, fields: Json = {}): Promise<Json> {
    return this.askRaw(this.request({ method, uri, ...fields }))
  }

  async askRaw(request: Json | string): Promise<Json> {
    const [answer] = await this.post([await this.seal(request)])
    assert.ok(answer, 'the request was met with silence')
    assert.equal(answer.deliverTo, this.who.clientId)
    return this.open(answer.kmsMessage)
  }
}
