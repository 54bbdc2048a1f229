// A realm in memory for the client to talk to, made of the server's own protocol and crypto rooms: the client shares
// no code with them, so that each is a check of the other. It decides nothing about rights; that is not tested here.

import {
  type AesKey,
  aesKeyFrom,
  createRsaWorkers,
  encodeB64u,
  readCertificateChain,
  rsaPrivateKeyFrom,
  SecretBytes,
  systemRandom,
} from '../../../src/crypto/index.ts'
import type { KeyUri, ResourceUri, SessionUri } from '../../../src/id.ts'
import {
  agreeChannel,
  isUnparsed,
  type Operation,
  openHandshake,
  openSession,
  parseRequest,
  parseStaticKeyUri,
  printStaticKey,
  type Request,
  sealAnswer,
  sessionHeader,
  signAnswer,
  signReset,
  sortSealed,
  urisOf,
} from '../../../src/protocol/index.ts'
import { isRefusal } from '../../../src/refusal.ts'
import { instant, toRfc3339 } from '../../../src/time.ts'
import { certificate, DNS, pkcs8Of, rsaKey } from '../crypto/certificates.ts'

export const DOMAIN = 'kms.acme.example'
const HOME = `kms://${DOMAIN}`

const rootKey = rsaKey()
const leafKey = rsaKey()
export const rootPem = certificate({ commonName: 'Acme root', key: rootKey, isAuthority: true })
const leafPem = certificate({
  commonName: DOMAIN,
  key: leafKey,
  issuer: { commonName: 'Acme root', key: rootKey },
  altNames: [{ type: DNS, value: DOMAIN }],
})

interface StoredKey {
  readonly k: string
  resourceUri?: ResourceUri
  boundAt?: number
}

type Members = Record<string, unknown>

const must = <Value>(value: Value | undefined | object, what: string): Value => {
  if (value === undefined || isRefusal(value)) throw new Error(`The fake realm has no ${what}.`)
  return value as Value
}

export type FakeRealm = ReturnType<typeof createFakeRealm>

export const createFakeRealm = (now: () => number) => {
  const workers = createRsaWorkers({ threads: 1 })
  const chain = readCertificateChain(leafPem)
  if ('problem' in chain) throw new Error(chain.problem)
  const uri = must<ReturnType<typeof parseStaticKeyUri> & string>(
    parseStaticKeyUri(`${HOME}/statickeys/1`),
    'static key',
  )
  const identity = { uri, privateKey: rsaPrivateKeyFrom(SecretBytes.from(pkcs8Of(leafKey))) }
  const sessions = new Map<string, AesKey>()
  const keys = new Map<string, StoredKey>()
  const grants = new Map<string, { uri: string; authId: string; resourceUri: string }[]>()
  const requests: Request[] = []
  const state = {
    sessionSeconds: 3600,
    handshakes: 0,
    /** Changes the answer to a handshake before it is signed. */
    changeHandshake: (answer: Members): Members => answer,
    /** Changes any other answer before it is sealed. */
    change: (answer: Members, _request: Request): Members => answer,
  }

  const showKey = (keyUri: string): Members => {
    const { k, resourceUri, boundAt } = must<StoredKey>(keys.get(keyUri), keyUri)
    return {
      uri: keyUri,
      jwk: { kty: 'oct', kid: keyUri, k },
      expirationDate: toRfc3339(instant(now() + 86_400_000)),
      ...(resourceUri === undefined
        ? {}
        : { resourceUri, bindDate: toRfc3339(instant(boundAt ?? 0)) }),
    }
  }
  const addKey = (): string => {
    const keyUri = `${HOME}/keys/${systemRandom.uuid()}`
    keys.set(keyUri, { k: encodeB64u(systemRandom.bytes(32)) })
    return keyUri
  }
  const grant = (resourceUri: string, authIds: readonly string[]) => {
    const list = grants.get(resourceUri) ?? []
    grants.set(resourceUri, list)
    const added = authIds.map((authId) => ({
      uri: `${HOME}/authorizations/${systemRandom.uuid()}`,
      authId,
      resourceUri,
    }))
    list.push(...added)
    return added
  }
  let bindings = 0
  const bindKey = (keyUri: KeyUri, resourceUri: ResourceUri): void => {
    const key = keys.get(keyUri)
    if (key === undefined) return
    // No two at once, however still the clock stands.
    bindings += 1
    Object.assign(key, { resourceUri, boundAt: now() + bindings })
  }

  /** Status and members; 404 for what is not there. */
  const operate = (operation: Operation): Members => {
    switch (operation.name) {
      case 'ping':
        return { status: 200 }
      case 'create-keys':
        return {
          status: 201,
          keys: Array.from({ length: operation.count }, () => showKey(addKey())),
        }
      case 'retrieve-key':
        return keys.has(operation.uri)
          ? { status: 200, key: showKey(operation.uri) }
          : { status: 404, reason: 'No such key' }
      case 'bind-key':
        bindKey(operation.uri, operation.resourceUri)
        return { status: 200, key: showKey(operation.uri) }
      case 'create-resource': {
        const resourceUri = `${HOME}/resources/${systemRandom.uuid()}` as ResourceUri
        for (const keyUri of operation.keyUris) bindKey(keyUri, resourceUri)
        const authorizationUris = grant(resourceUri, operation.authIds).map((one) => one.uri)
        return {
          status: 201,
          resource: { uri: resourceUri, keyUris: operation.keyUris, authorizationUris },
        }
      }
      case 'retrieve-keys': {
        const bound = [...keys].filter(([, key]) => key.resourceUri === operation.uri)
        const oldestFirst = bound.toSorted(([, a], [, b]) => (a.boundAt ?? 0) - (b.boundAt ?? 0))
        const { count = oldestFirst.length } = operation.filter
        return { status: 200, keys: oldestFirst.slice(-count).map(([keyUri]) => showKey(keyUri)) }
      }
      case 'create-authorizations': {
        const authorizations = grant(operation.resourceUri, operation.authIds)
        return { status: 201, authorizations }
      }
      case 'retrieve-authorizations':
        return { status: 200, authorizations: grants.get(operation.uri) ?? [] }
      case 'delete-authorizations': {
        const all = grants.get(operation.uri) ?? []
        const gone = all.filter(({ authId }) => operation.authIds.some((id) => id === authId))
        grants.set(
          operation.uri,
          all.filter((one) => !gone.includes(one)),
        )
        return { status: 200, authorizations: gone }
      }
      case 'delete-session':
        return { status: 204 }
      default:
        return { status: 501, reason: operation.name }
    }
  }

  const handshake = (request: Request): Members => {
    if (request.operation.name !== 'create-session') throw new Error('This is no handshake.')
    const agreed = agreeChannel(request.operation.rawJwk, systemRandom)
    if (isRefusal(agreed)) throw new Error(agreed.refused)
    const sessionUri = `${HOME}/ecdhe/${systemRandom.uuid()}`
    sessions.set(sessionUri, aesKeyFrom(agreed.channelKey))
    state.handshakes += 1
    const key = {
      uri: sessionUri,
      jwk: agreed.publicJwk,
      clientId: request.clientId,
      expirationDate: toRfc3339(instant(now() + state.sessionSeconds * 1000)),
    }
    return state.changeHandshake({ status: 201, requestId: request.requestId, key })
  }

  const parse = (text: string): Request => {
    const request = parseRequest(JSON.parse(text), urisOf(DOMAIN))
    if (isUnparsed(request)) throw new Error(`The client sent ${JSON.stringify(request)}.`)
    requests.push(request)
    return request
  }

  /** Sealed for the client, and in clear for a core that waits for the outcome. */
  const conclude = async (compact: string): Promise<{ sealed: string; answer?: Members }> => {
    const sorted = sortSealed(compact, 300_000)
    if (isRefusal(sorted)) throw new Error(sorted.refused)
    if (sorted.kind === 'handshake') {
      const text = must<string>(await openHandshake(sorted, identity, workers), 'handshake')
      return { sealed: await signAnswer(JSON.stringify(handshake(parse(text))), identity, workers) }
    }
    const key = sessions.get(sorted.kid)
    if (key === undefined) return { sealed: await signReset(identity, workers) }
    const request = parse(must<string>(openSession(sorted, key), 'text'))
    const answer = { ...operate(request.operation), requestId: request.requestId }
    const header = sessionHeader(sorted.kid as SessionUri)
    const changed = state.change(answer, request)
    return {
      sealed: await sealAnswer(JSON.stringify(changed), key, header, systemRandom),
      answer: changed,
    }
  }

  return {
    state,
    sessions,
    requests,
    details: { kmsCluster: HOME, rsaPublicKey: printStaticKey(chain, uri) },
    addKey,
    sign: (payload: Members) => signAnswer(JSON.stringify(payload), identity, workers),
    reset: () => signReset(identity, workers),
    /** The sealed answer to a sealed message. */
    answer: async (compact: string): Promise<string> => (await conclude(compact)).sealed,
    conclude,
    close: () => workers.close(),
  }
}
