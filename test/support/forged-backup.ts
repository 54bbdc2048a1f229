// A true backup, opened with its recovery key, changed, and sealed again for the same recipient: what somebody can do who
// has the recovery key and not the passphrase.

import { readFileSync, writeFileSync } from 'node:fs'
import {
  type BackupItem,
  type BackupSource,
  type KeptFile,
  type Row,
  readBackup,
  type Table,
  writeBackup,
} from '../../src/backup/index.ts'
import { openWithRecoveryKey, SecretBytes, sealForRecipients } from '../../src/crypto/index.ts'
import type { MadeRealm } from './made-realm.ts'

export interface Forgery {
  /** Put beside those that are there. */
  readonly files?: readonly (Omit<KeptFile, 'part' | 'mode'> & { readonly content: string })[]
  settings?(text: string): string
  rows?(table: Table, rows: readonly Row[]): readonly Row[]
}

async function* chunksOf(file: string) {
  yield new Uint8Array(readFileSync(file))
}

const openAll = async (file: string, { recoveryKey }: MadeRealm) => {
  const identity = SecretBytes.from(new Uint8Array(readFileSync(recoveryKey)))
  const { about, items } = await readBackup(openWithRecoveryKey(identity, chunksOf(file)))
  const all: BackupItem[] = []
  for await (const item of items) all.push(item)
  return { about, items: all }
}

const contentOf = (items: readonly BackupItem[], part?: string): Uint8Array => {
  const found = items.find((one) =>
    part === undefined ? one.kind === 'settings' : one.kind === 'file' && one.part === part,
  )
  return found === undefined || found.kind === 'rows' ? new Uint8Array() : found.content
}

/** Writes `out`, the backup in `file` with these changes. */
export const forgeBackup = async (
  realm: MadeRealm,
  file: string,
  out: string,
  { files = [], settings = (text) => text, rows = (_table, all) => all }: Forgery,
): Promise<void> => {
  const { about, items } = await openAll(file, realm)
  const planted = files.map(({ content, ...kept }, index) => ({
    content,
    kept: { ...kept, part: `files/${9000 + index}`, mode: 0o600 },
  }))
  const utf8 = new TextEncoder()
  const source: BackupSource = {
    about: { ...about, files: [...about.files, ...planted.map(({ kept }) => kept)] },
    settings: utf8.encode(settings(new TextDecoder().decode(contentOf(items)))),
    file: async (part) => {
      const found = planted.find(({ kept }) => kept.part === part)
      return found === undefined ? contentOf(items, part) : utf8.encode(found.content)
    },
    async *rows(table) {
      for (const item of items) {
        if (item.kind === 'rows' && item.table.name === table.name) yield rows(table, item.rows)
      }
    },
  }
  const sealed: Uint8Array[] = []
  for await (const chunk of sealForRecipients([realm.recipient], writeBackup(source))) {
    sealed.push(chunk)
  }
  writeFileSync(out, Buffer.concat(sealed))
}
