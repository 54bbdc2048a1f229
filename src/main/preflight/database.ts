// The database: is it there, does it keep what it acknowledges, is it this program's; and what is in it that must fit,
// the realm's own certificate. Nothing is made or changed: a database that is not there yet stays so.

import { existsSync } from 'node:fs'
import { dirname } from 'node:path'
import type { Settings } from '../../config/index.ts'
import { describeCertificate } from '../../crypto/index.ts'
import { Fault } from '../../fault.ts'
import { type OpenStore, openStore } from '../../store/index.ts'
import { storeSettings } from '../store-settings.ts'
import { expiry } from './certificates.ts'
import type { Finding, Means } from './finding.ts'
import { checkLog } from './start.ts'

type Told = Pick<Finding, 'what' | 'why' | 'remedy'>

const NONE_YET: Finding = {
  check: 'database.missing',
  level: 'error',
  what: 'there is no database yet',
  why: 'a realm without one cannot start',
  remedy: 'keyrealm init --config FILE',
}

const FAULTS: Readonly<Record<string, Told>> = {
  'store.unavailable': {
    what: 'the database does not answer, or does not let this role in',
    why: 'nothing works without it',
    remedy:
      'try psql with the same host, port, user and TLS; check store.*, pg_hba.conf and the firewall',
  },
  'store.not-durable': {
    what: 'the database may forget what it acknowledged',
    why: 'a key could be handed out whose record is lost with the power',
    remedy:
      'PostgreSQL: fsync = on, synchronous_commit = on for this role and database. SQLite: a local file system',
  },
  'store.migration-pending': {
    what: 'the database was made by an older program',
    why: 'this program does not start on it before there is a backup',
    remedy: 'keyrealm upgrade --config FILE --out BACKUP --recipient age1…',
  },
  'store.migration-unknown': {
    what: 'the database was made by a newer program',
    why: 'this program would not understand what is in it',
    remedy: 'install that version or a later one, or restore a backup of before',
  },
  'store.migration-changed': {
    what: 'the history of the database is not this program’s',
    why: 'it runs on no schema that nobody wrote',
    remedy: 'keyrealm version; install the program that made it, or restore a backup',
  },
  'store.restore-unfinished': {
    what: 'a backup was being put back into the database, and that did not end',
    why: 'what is in it is not in use, and nobody opens it',
    remedy: 'run the same keyrealm restore again: it begins anew',
  },
  'store.corrupt': {
    what: 'the database file is damaged',
    why: 'keys and evidence in it may be lost',
    remedy: 'keep the file, and put a backup back: keyrealm restore --help',
  },
}

const faultOf = (error: unknown): Finding => {
  const code = error instanceof Fault ? error.code : 'store.failed'
  const told = FAULTS[code] ?? {
    what: `the database cannot be opened (${code})`,
    why: 'nothing works without it',
    remedy: 'look into the database’s own log',
  }
  return { check: code.replace('store.', 'database.'), level: 'error', ...told }
}

/** statfs f_type of NFS, SMB, CIFS, SMB2. */
const NETWORKED = new Set([0x6969, 0x517b, 0xff534d42, 0xfe534d42])

const networked = (file: string, means: Means): readonly Finding[] =>
  NETWORKED.has(means.fileSystem(dirname(file)) ?? 0)
    ? [
        {
          check: 'database.on-a-network',
          level: 'error',
          what: `${file} lies on a network file system`,
          why: 'SQLite’s locks and flushes do not hold there: the database can be damaged',
          remedy: 'put store.file on a local disk, or use PostgreSQL',
        },
      ]
    : []

const NO_IDENTITY: Finding = {
  check: 'identity.missing',
  level: 'error',
  what: 'the realm has no certificate',
  why: 'clients could not tell it from anybody else; it does not start',
  remedy:
    'keyrealm identity import --config FILE --key KEY --chain CHAIN, or keyrealm init --continue --chain CHAIN',
}

const OTHER_NAME = 'identity.other-name'

const pemOf = (base64: string): string =>
  `-----BEGIN CERTIFICATE-----\n${base64}\n-----END CERTIFICATE-----\n`

const publishedChain = (jwkJson: string): string => {
  const { x5c }: { readonly x5c?: unknown } = JSON.parse(jwkJson)
  return Array.isArray(x5c) ? x5c.map((one) => pemOf(String(one))).join('') : ''
}

const checkIdentity = async (
  store: OpenStore,
  { realm }: Settings,
  means: Means,
): Promise<readonly Finding[]> => {
  const [newest] = await store.read((tx) => tx.staticKeys.all())
  if (newest === undefined) return [NO_IDENTITY]
  const described = describeCertificate(publishedChain(newest.publicJwkJson))
  if (described?.dnsName !== realm.domain) {
    return [
      {
        check: OTHER_NAME,
        level: 'error',
        what: `the realm’s certificate is not for ${realm.domain}`,
        why: 'clients accept exactly one DNS name, that of the realm',
        remedy:
          'correct realm.domain, or import a certificate of that name: keyrealm identity import',
      },
    ]
  }
  return expiry('the realm’s certificate', described, means)
}

export const checkDatabase = async (
  settings: Settings,
  means: Means,
): Promise<readonly Finding[]> => {
  const { store } = settings
  const isFile = store.kind === 'sqlite'
  if (isFile && !existsSync(store.file)) return [NONE_YET]
  const place = isFile ? networked(store.file, means) : []
  try {
    const opened = await openStore(storeSettings(settings))
    try {
      await opened.check()
      const identity = await checkIdentity(opened, settings, means)
      // Under another name it would have another log, too.
      const isOther = identity.some(({ check }) => check === OTHER_NAME)
      return [...place, ...identity, ...(isOther ? [] : await checkLog(opened, settings))]
    } finally {
      await opened.close()
    }
  } catch (error) {
    return [...place, faultOf(error)]
  }
}
