// Wycheproof's vectors against our own operations. The small subsets beside this file always run; the
// full files run where they lie next to the project. Each vector says whether it must fail.

import assert from 'node:assert/strict'
import { createPrivateKey } from 'node:crypto'
import { existsSync, readFileSync } from 'node:fs'
import { after, before, describe, it, type TestContext } from 'node:test'
import { gunzipSync } from 'node:zlib'
import { aesKeyFrom, openGcm, sealGcm } from '../../src/crypto/aes.ts'
import {
  createRsaWorkers,
  deriveSharedSecret,
  hkdfSha256,
  hmacSha256,
  openDirect,
  openRsaOaep,
  prepareTokenKey,
  type RsaWorkers,
  rsaPrivateKeyFrom,
  SecretBytes,
  TokenInputs,
  tokensOf,
} from '../../src/crypto/index.ts'
import { isRefusal } from '../../src/refusal.ts'

type Row = Readonly<Record<string, string>>
type Jwk = Readonly<Record<string, string>>

interface Group extends Readonly<Record<string, unknown>> {
  readonly keySize?: number
  readonly tagSize?: number
  readonly privateKeyPkcs8?: string
  readonly private?: Jwk
  readonly tests: readonly Row[]
}

const SMALL = new URL('./wycheproof/', import.meta.url)
const FULL = new URL('../../../shared/data/wycheproof/', import.meta.url)

const parse = (text: string): readonly Group[] => JSON.parse(text).testGroups

/** Runs `check` on the small set always, and on the full set if it is there. */
const onVectors = (name: string, check: (groups: readonly Group[]) => Promise<number> | number) => {
  it(`${name}: subset in the project`, async (t: TestContext) => {
    const count = await check(parse(readFileSync(new URL(`${name}.json`, SMALL), 'utf8')))
    assert.ok(count > 0)
    t.diagnostic(`${count} vectors`)
  })
  it(`${name}: full set`, async (t: TestContext) => {
    const file = new URL(`${name}.json.gz`, FULL)
    if (!existsSync(file)) return t.skip('the full vectors are not beside this project')
    t.diagnostic(`${await check(parse(gunzipSync(readFileSync(file)).toString('utf8')))} vectors`)
  })
}

const hex = (text: string | undefined) => Uint8Array.from(Buffer.from(text ?? '', 'hex'))
const rows = (groups: readonly Group[], wanted: (group: Group) => boolean = () => true) =>
  groups
    .filter(wanted)
    .flatMap((group) => group.tests.map((row) => ({ group, row, label: `tcId ${row['tcId']}` })))

describe('Wycheproof', () => {
  let workers: RsaWorkers
  before(() => {
    workers = createRsaWorkers({ threads: 1 })
  })
  after(() => workers.close())

  onVectors('aes_gcm_test', (groups) => {
    const cases = rows(groups, (group) => group.keySize === 256)
    for (const { row, label } of cases) {
      const key = aesKeyFrom(hex(row['key']))
      const input = { iv: hex(row['iv']), associatedData: hex(row['aad']) }
      const opened = openGcm(key, {
        ...input,
        ciphertext: hex(row['ct']),
        tag: hex(row['tag']),
      })
      // Other lengths of IV are valid AES-GCM, but not ours.
      const isOurs = row['result'] === 'valid' && input.iv.length === 12
      assert.equal(opened?.toString('hex'), isOurs ? row['msg'] : undefined, label)
      if (!isOurs) continue
      const sealed = sealGcm(key, input, hex(row['msg']))
      assert.equal(sealed.ciphertext.toString('hex'), row['ct'], label)
      assert.equal(sealed.tag.toString('hex'), row['tag'], label)
    }
    return cases.length
  })

  onVectors('ecdh_secp256r1_webcrypto_test', (groups) => {
    const cases = rows(groups)
    for (const { row, label } of cases) {
      const shared = deriveSharedSecret(row['private'], row['public'])
      if (row['result'] === 'valid') {
        assert.ok(!isRefusal(shared), label)
        assert.deepEqual(Uint8Array.from(shared.expose()), hex(row['shared']), label)
      } else {
        assert.deepEqual(shared, { refused: 'request.invalid-point' }, label)
      }
    }
    return cases.length
  })

  onVectors('hkdf_sha256_test', (groups) => {
    const cases = rows(groups)
    for (const { row, label } of cases) {
      const derive = () =>
        hkdfSha256({
          inputKey: SecretBytes.from(hex(row['ikm'])),
          salt: hex(row['salt']),
          info: hex(row['info']),
          lengthBytes: Number(row['size']),
        })
      if (row['result'] === 'valid') {
        assert.deepEqual(derive().expose(), hex(row['okm']), label)
      } else {
        assert.throws(derive, label)
      }
    }
    return cases.length
  })

  onVectors('hmac_sha256_test', (groups) => {
    const cases = rows(groups, (group) => group.tagSize === 256)
    for (const { row, label } of cases) {
      const mac = Buffer.from(hmacSha256(hex(row['key']), hex(row['msg']))).toString('hex')
      assert.equal(mac === row['tag'], row['result'] === 'valid', label)
      const inputs = new TokenInputs().under(prepareTokenKey(SecretBytes.from(hex(row['key']))))
      inputs.addBytes(hex(row['msg']))
      assert.equal(Buffer.from(tokensOf(inputs)).toString('hex'), mac.slice(0, 20), label)
    }
    return cases.length
  })

  onVectors('rsa_oaep_2048_sha1_mgf1sha1_test', async (groups) => {
    const cases = rows(groups)
    const keys = new Map(
      groups.map((group) => [
        group,
        rsaPrivateKeyFrom(SecretBytes.from(hex(group.privateKeyPkcs8))),
      ]),
    )
    for (const { group, row, label } of cases) {
      const key = keys.get(group)
      assert.ok(key)
      const opened = await workers.decryptOaep(key, hex(row['ct']))
      // JOSE has no label, so what was encrypted with one must not open.
      const isOurs = row['result'] === 'valid' && row['label'] === ''
      assert.deepEqual(opened, isOurs ? hex(row['msg']) : undefined, label)
    }
    return cases.length
  })

  onVectors('json_web_encryption_test', async (groups) => {
    const cases = rows(groups)
    for (const { group, row, label } of cases) {
      const jwk = group.private ?? {}
      const jwe = row['jwe'] ?? ''
      // No vector uses `dir` with A256GCM: with any key, each of them must stay closed.
      assert.equal(openDirect(jwe, aesKeyFrom(new Uint8Array(32))), undefined, label)
      if (jwk['kty'] !== 'RSA') continue
      const isOurs =
        row['result'] === 'valid' && jwk['alg'] === 'RSA-OAEP' && row['enc'] === 'A256GCM'
      const der = createPrivateKey({ key: { ...jwk }, format: 'jwk' }).export({
        type: 'pkcs8',
        format: 'der',
      })
      const opened = await openRsaOaep(jwe, rsaPrivateKeyFrom(SecretBytes.from(der)), workers)
      assert.deepEqual(
        opened && Uint8Array.from(opened),
        isOurs ? hex(row['pt']) : undefined,
        label,
      )
    }
    return cases.length
  })
})
