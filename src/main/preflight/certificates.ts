// Certificates and keys that the settings name in files: readable, of each other, valid now and for a while.

import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { readNamedText, readSecret, type Settings } from '../../config/index.ts'
import {
  type DescribedCertificate,
  describeCertificate,
  isCertificateOf,
  SecretBytes,
} from '../../crypto/index.ts'
import { readTrustFiles } from '../carrier-files.ts'
import type { Finding, Means } from './finding.ts'

const DAY_MS = 86_400_000
const SOON_DAYS = 30

export const expiry = (
  whose: string,
  { validFrom, validTo }: DescribedCertificate,
  means: Means,
): readonly Finding[] => {
  const why = 'whoever checks it refuses it outside its time, and nothing gets through'
  const remedy = 'have a new one signed, and put it in the place of this one'
  const now = means.now()
  if (now < validFrom) {
    return [
      {
        check: 'certificate.not-yet-valid',
        level: 'error',
        what: `${whose} is not valid yet`,
        why,
        remedy: 'wait, or look at this machine’s clock: timedatectl status',
      },
    ]
  }
  if (now > validTo) {
    return [
      { check: 'certificate.expired', level: 'error', what: `${whose} has expired`, why, remedy },
    ]
  }
  const days = Math.floor((validTo - now) / DAY_MS)
  if (days >= SOON_DAYS) return []
  return [
    {
      check: 'certificate.expires-soon',
      level: 'warning',
      what: `${whose} expires in ${days} days`,
      why,
      remedy,
    },
  ]
}

interface Pair {
  readonly setting: string
  readonly certificateFile: string
  readonly keyFile: string
}

const pairsOf = ({ core, listeners, federation }: Settings): readonly Pair[] => [
  { setting: 'core', ...core },
  ...(listeners.admin.tls ? [{ setting: 'listeners.admin.tls', ...listeners.admin.tls }] : []),
  ...(listeners.log.tls ? [{ setting: 'listeners.log.tls', ...listeners.log.tls }] : []),
  ...(federation.carrier ? [{ setting: 'federation.carrier', ...federation.carrier }] : []),
]

const unreadable = ({ setting, certificateFile }: Pair): Finding => ({
  check: 'certificate.unreadable',
  level: 'error',
  what: `${setting}.certificateFile, ${certificateFile}, holds no certificate`,
  why: 'the realm could not say who it is',
  remedy: `openssl x509 -in ${certificateFile} -noout -text; it must be PEM, leaf first`,
})

const otherKey = ({ setting, certificateFile, keyFile }: Pair): Finding => ({
  check: 'certificate.other-key',
  level: 'error',
  what: `${keyFile} is not the key of ${certificateFile}`,
  why: 'no TLS connection comes about with the two',
  remedy: `put key and certificate of one request together: ${setting}.keyFile, ${setting}.certificateFile`,
})

const checkPair = (pair: Pair, means: Means): readonly Finding[] => {
  let chain: string
  let key: SecretBytes
  try {
    chain = readNamedText(pair.certificateFile)
    key = SecretBytes.from(readSecret({ file: pair.keyFile }))
  } catch {
    // `files` says so.
    return []
  }
  const described = describeCertificate(chain)
  if (described === undefined) return [unreadable(pair)]
  const isOwn = isCertificateOf(chain, key)
  key.wipe()
  return [
    ...(isOwn ? [] : [otherKey(pair)]),
    ...expiry(`${pair.setting}.certificateFile`, described, means),
  ]
}

const unusableAnchors = (folder: string, why: string): Finding => ({
  check: 'anchors.unusable',
  level: 'error',
  what: `${folder}: ${why}`,
  why: 'a folder in it is named for the one domain for which its anchors hold; the realm does not start with one that it cannot rely upon',
  remedy:
    'name it exactly as the domain, with PEM files of authorities in it; or move it out of the folder of anchors',
})

/** Anchors for every domain, and those of single domains. */
const checkAnchors = ({ federation: { carrier } }: Settings): readonly Finding[] => {
  if (carrier === undefined) return []
  const { trustFolder, crlFolder } = carrier
  // `files` says so.
  if ([trustFolder, crlFolder].some((one) => one !== undefined && !existsSync(one))) return []
  try {
    const { problems } = readTrustFiles(carrier).load()
    return problems.map(({ folder, why }) => unusableAnchors(join(trustFolder, folder), why))
  } catch {
    const why = 'a file in it, or a revocation list, cannot be read or is none'
    return [unusableAnchors(trustFolder, why)]
  }
}

export const checkCertificates = (settings: Settings, means: Means): readonly Finding[] => [
  ...pairsOf(settings).flatMap((pair) => checkPair(pair, means)),
  ...checkAnchors(settings),
]
