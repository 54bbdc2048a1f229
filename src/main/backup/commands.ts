// The commands about backups: options become wishes, results become printed lines. What they do stands beside.

import { resolve } from 'node:path'
import type { BackupActions, CliOutput } from '../../admin/index.ts'
import { writeSecretFile } from '../../config/index.ts'
import { generateRecoveryKey } from '../../crypto/index.ts'
import { DONE, FAILED } from '../beside.ts'
import { CommandError } from '../command-error.ts'
import { type Progress, withProgress } from '../progress.ts'
import { isGood, rehearseRestore } from './rehearse.ts'
import { readStoreSection, restore } from './restore.ts'
import { upgrade } from './upgrade.ts'
import { backUp } from './write.ts'

type Report = Readonly<Record<string, string | number | boolean | readonly string[]>>

/** Name and value a line, or one line of JSON. */
export const print = (output: CliOutput, report: Report, json: true | undefined): void => {
  if (json === true) output.out(`${JSON.stringify(report)}\n`)
  else for (const [name, value] of Object.entries(report)) output.out(`${name}\t${String(value)}\n`)
}

const makeRecoveryKey = async (file: string, kind: 'hybrid' | 'x25519'): Promise<string> => {
  const { identity, recipient } = await generateRecoveryKey(kind)
  try {
    writeSecretFile(resolve(file), identity.expose())
  } catch (error) {
    const isThere = error instanceof Error && 'code' in error && error.code === 'EEXIST'
    throw isThere
      ? new CommandError('main.file-exists', `${file} exists and is not overwritten`)
      : error
  } finally {
    identity.wipe()
  }
  return recipient
}

const writtenOn = (progress: Progress) => (total: number) => progress.show(total, 'written')

export const createBackupCommands = (output: CliOutput): BackupActions => ({
  recoveryKey: async ({ out, x25519, json }) => {
    const recipient = await makeRecoveryKey(out, x25519 === true ? 'x25519' : 'hybrid')
    if (json === true) print(output, { recipient, file: resolve(out) }, json)
    else output.out(`${recipient}\n`)
    return DONE
  },
  backup: async ({ config, out, recipient, json }) => {
    const wish = { config, out, recipients: recipient }
    const written = await withProgress(output, (progress) =>
      backUp({ ...wish, onBytes: writtenOn(progress) }),
    )
    print(output, { ...written }, json)
    return DONE
  },
  restore: async ({ backup, recoveryKey, realm, to, store, sha256, json }) => {
    const section = store === undefined ? {} : { store: readStoreSection(store) }
    const wish = { backup, recoveryKey, to, sha256, domain: realm, ...section }
    const restored = await withProgress(output, ({ show }) => restore({ ...wish, onBytes: show }))
    const { about, sha256: digest } = restored.checked
    const { config, folder, entries } = restored
    const backupOf = about.createdAt
    // Entries are held against the log's tree. Who signed that tree a backup cannot tell: it brings its keys itself.
    const log = { logEntries: entries, logSignature: 'not verified' }
    print(output, { config, folder, backupOf, sha256: digest, ...log }, json)
    return DONE
  },
  rehearseRestore: async ({ config, backup, recoveryKey, sandbox, passphraseFile, keep, json }) => {
    const places = { config, backup, recoveryKey, sandbox, passphraseFile }
    const rehearsal = await withProgress(output, ({ show }) =>
      rehearseRestore({ ...places, keep: keep === true, onBytes: show }),
    )
    print(output, { ...rehearsal, good: isGood(rehearsal) }, json)
    return isGood(rehearsal) ? DONE : FAILED
  },
  upgrade: async ({ config, out, recipient, backup, json }) => {
    const wish = { config, out, recipients: recipient }
    const upgraded = await withProgress(output, (progress) =>
      upgrade({ ...wish, onBytes: writtenOn(progress), onStep: progress.say }, backup),
    )
    print(output, { ...upgraded }, json)
    return DONE
  },
})
