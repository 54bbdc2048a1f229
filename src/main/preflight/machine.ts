// The machine: files and who may read them, room on disks, randomness, ports; and what protects against its loss.

import { accessSync, constants, existsSync, statSync } from 'node:fs'
import { dirname } from 'node:path'
import {
  namedPaths,
  readSecret,
  SecretError,
  type Settings,
  secretPlace,
} from '../../config/index.ts'
import { isRecipient } from '../../crypto/index.ts'
import type { Finding, Means } from './finding.ts'

const WHY_SECRET = 'whoever has it is the realm, or unlocks it'

const secretFinding = (setting: string, error: SecretError): Finding => ({
  check: error.code.replace('config.', 'files.'),
  level: 'error',
  what: `${setting}: ${error.message}`,
  why: WHY_SECRET,
  remedy:
    error.code === 'config.secret-missing'
      ? `put it there, chmod 600, owned by the user of the appliance; or change ${setting}`
      : `chown the user of the appliance and chmod 600 ${error.file}`,
})

const SECRETS = /\.(?:keyFile|sealedFile)$|\.(?:password|passphrase|clientSecret)\.file$/

const missingFile = (setting: string, file: string): Finding => ({
  check: 'files.missing',
  level: 'error',
  what: `${setting} names ${file}, which cannot be read`,
  why: 'the realm reads it at every start',
  remedy: `put it there, readable by the user of the appliance, or correct ${setting}`,
})

/** `raw` has absolute paths. */
export const checkFiles = (raw: unknown, settings: Settings): readonly Finding[] => [
  ...namedPaths(raw)
    .filter(({ role }) => role !== 'written')
    .flatMap(({ setting, path }): readonly Finding[] => {
      try {
        if (SECRETS.test(setting)) readSecret({ file: path }, secretPlace(process.env)).fill(0)
        else accessSync(path, constants.R_OK)
        return []
      } catch (error) {
        return [
          error instanceof SecretError ? secretFinding(setting, error) : missingFile(setting, path),
        ]
      }
    }),
  ...checkStateFolder(settings),
  ...besidePassphrase(settings),
]

const OTHERS_WRITE = 0o022

/** As root every file can be read, and what root makes the service cannot read. */
const checkUser = (folder: string, owner: number): readonly Finding[] => {
  const user = process.geteuid?.()
  if (user === undefined || user === owner) return []
  return [
    {
      check: 'files.another-user',
      level: 'warning',
      what: `this runs as user ${user}, and ${folder} belongs to user ${owner}`,
      why: 'what this user may read and write says nothing about what the service may',
      remedy: 'run it as the service does: runuser -u keyrealm -- keyrealm preflight --config FILE',
    },
  ]
}

const isWritable = (folder: string): boolean => {
  try {
    accessSync(folder, constants.W_OK | constants.X_OK)
    return true
  } catch {
    return false
  }
}

const checkStateFolder = ({ realm }: Settings): readonly Finding[] => {
  const folder = realm.stateDirectory
  const stats = statSync(folder, { throwIfNoEntry: false })
  const shared = {
    level: 'error' as const,
    why: 'the admin token, the newest checkpoint and the last start are kept there',
  }
  if (stats?.isDirectory() !== true) {
    return [
      {
        ...shared,
        check: 'files.no-state-folder',
        what: `${folder} is not a folder`,
        remedy: 'keyrealm init --config FILE makes it',
      },
    ]
  }
  if ((stats.mode & OTHERS_WRITE) !== 0) {
    return [
      {
        ...shared,
        check: 'files.state-folder-open',
        what: `others may write into ${folder}`,
        remedy: `chmod 700 ${folder}`,
      },
    ]
  }
  if (isWritable(folder)) return checkUser(folder, stats.uid)
  return [
    {
      ...shared,
      check: 'files.state-folder-read-only',
      what: `this user may not write into ${folder}`,
      remedy: `chown the user of the appliance ${folder}, and run this as that user`,
    },
  ]
}

const besidePassphrase = ({ unlock }: Settings): readonly Finding[] => {
  const { sealedFile, passphrase } = unlock
  const isBeside =
    passphrase !== undefined &&
    'file' in passphrase &&
    dirname(passphrase.file) === dirname(sealedFile)
  if (!isBeside) return []
  return [
    {
      check: 'files.passphrase-beside',
      level: 'warning',
      what: 'the passphrase lies in the folder of what it opens',
      why: 'whoever copies that folder has every key',
      remedy:
        'hand it over as a systemd credential: unlock.passphrase = {"credential": "…"}, LoadCredentialEncrypted= in the unit',
    },
  ]
}

const MEBIBYTE = 1024 * 1024
const TOO_LITTLE = 256 * MEBIBYTE
const LITTLE = 2048 * MEBIBYTE

/** The nearest folder above that is there. */
const existing = (folder: string): string =>
  existsSync(folder) ? folder : existing(dirname(folder))

export const checkDisks = (settings: Settings, means: Means): readonly Finding[] => {
  const { store, realm, backup } = settings
  const folders = [
    realm.stateDirectory,
    ...(store.kind === 'sqlite' ? [dirname(store.file)] : []),
    ...(backup === undefined ? [] : [backup.folder]),
  ]
  return [...new Set(folders)].flatMap((folder): readonly Finding[] => {
    const free = means.freeBytes(existing(folder))
    if (free === undefined || free >= LITTLE) return []
    return [
      {
        check: 'disk.little-space',
        level: free < TOO_LITTLE ? 'error' : 'warning',
        what: `${Math.floor(free / MEBIBYTE)} MiB are free at ${folder}`,
        why: 'on a full disk nothing is recorded, so nothing is released',
        remedy: `free some space, or move it: df -h ${folder}`,
      },
    ]
  })
}

const ENTROPY_BITS = 128

export const checkEntropy = (means: Means): readonly Finding[] => {
  const bits = means.entropyBits()
  if (bits === undefined || bits >= ENTROPY_BITS) return []
  return [
    {
      check: 'entropy.low',
      level: 'error',
      what: `the kernel counts ${bits} bits of randomness`,
      why: 'keys made now could be guessed',
      remedy: 'give the machine a source: virtio-rng for a guest, or apt install rng-tools5',
    },
  ]
}

const PORT_WORDS: Readonly<Record<string, readonly [what: string, remedy: string]>> = {
  EADDRINUSE: [
    'is taken by another program',
    'ss -ltnp shows which; stop it, or choose another port',
  ],
  EADDRNOTAVAIL: ['is no address of this machine', 'ip addr shows its addresses'],
  EACCES: ['may not be used by this user', 'choose a port above 1023'],
}

/** Not asked of a realm that runs: its ports are its own. */
export const checkPorts = async ({ listeners, federation }: Settings, means: Means) => {
  const places = [
    ['listeners.health', listeners.health],
    ['listeners.admin', listeners.admin],
    ['listeners.log', listeners.log],
    ...(federation.carrier?.listen
      ? [['federation.carrier.listen', federation.carrier.listen] as const]
      : []),
  ] as const
  const findings: Finding[] = []
  for (const [setting, { host, port }] of places) {
    const code = await means.listenProblem(host, port)
    if (code === undefined) continue
    const [what, remedy] = PORT_WORDS[code] ?? [`cannot be listened on (${code})`, 'choose another']
    findings.push({
      check: 'ports.unusable',
      level: 'error',
      what: `${host}:${port} (${setting}) ${what}`,
      why: 'the realm does not start without this port',
      remedy: `${remedy}: ${setting}.port`,
    })
  }
  return findings
}

export const checkBackups = ({ backup }: Settings): readonly Finding[] => {
  if (backup === undefined) {
    return [
      {
        check: 'backup.none',
        level: 'warning',
        what: 'the settings name no backups',
        why: 'with this disk every key would be lost; and upgrades wait for somebody',
        remedy: 'keyrealm recovery-key --out FILE, then set backup.recipients and backup.folder',
      },
    ]
  }
  if (!isWritable(backup.folder)) {
    return [
      {
        check: 'backup.no-folder',
        level: 'error',
        what: `backup.folder, ${backup.folder}, is no folder that this user may write into`,
        why: 'no backup can be made, and no upgrade',
        remedy: 'make it (install -d -m 700 -o keyrealm FOLDER), or correct backup.folder',
      },
    ]
  }
  if (backup.recipients.every(isRecipient)) return []
  return [
    {
      check: 'backup.unfit-recipient',
      level: 'error',
      what: 'backup.recipients holds something that is no age public key',
      why: 'no backup can be made, and no upgrade',
      remedy: 'keyrealm recovery-key --out FILE prints one',
    },
  ]
}
