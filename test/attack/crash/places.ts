// Where a dying realm keeps its store: a prepared database of which each death gets a copy of its own.

import { copyFileSync, existsSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import pg from 'pg'
import type { StoreSettings } from '../../../src/store/index.ts'
import { startPostgres } from '../../support/postgres.ts'

export interface Place {
  /** To be prepared before the first copy, and left alone after that. */
  readonly prepared: StoreSettings
  /** A copy of the prepared database. */
  copy(): Promise<StoreSettings>
  /** Removes a copy. */
  drop(copied: StoreSettings): Promise<void>
  close(): Promise<void>
}

export const sqlitePlace = (): Place => {
  const folder = mkdtempSync(join(tmpdir(), 'keyrealm-crash-'))
  const fileOf = (name: string) => join(folder, name, 'realm.sqlite')
  const prepared = fileOf('prepared')
  let copies = 0
  return {
    prepared: { kind: 'sqlite', file: prepared },
    async copy() {
      copies += 1
      const file = fileOf(String(copies))
      mkdirSync(join(folder, String(copies)), { mode: 0o700 })
      for (const part of ['', '-wal']) {
        if (existsSync(`${prepared}${part}`)) copyFileSync(`${prepared}${part}`, `${file}${part}`)
      }
      return { kind: 'sqlite', file }
    },
    async drop(copied) {
      if (copied.kind === 'sqlite') rmSync(join(copied.file, '..'), { recursive: true })
    },
    async close() {
      rmSync(folder, { recursive: true, force: true })
    },
  }
}

/** A server of its own, or why there is none. */
export const postgresPlace = async (): Promise<Place | { readonly unavailable: string }> => {
  const server = await startPostgres()
  if ('unavailable' in server) return server
  const admin = new pg.Client({ connectionString: server.url })
  await admin.connect()
  admin.on('error', () => undefined)
  const prepared = await server.createDatabase()
  const settingsOf = (url: string) => ({ kind: 'postgres', url, poolSize: 2 }) as const
  const nameIn = (url: string) => new URL(url).pathname.slice(1)
  let copies = 0
  return {
    prepared: settingsOf(prepared),
    async copy() {
      copies += 1
      const url = new URL(prepared)
      url.pathname = `/copy_${copies}`
      await admin.query(`create database copy_${copies} template ${nameIn(prepared)}`)
      return settingsOf(url.href)
    },
    async drop(copied) {
      if (copied.kind === 'postgres') {
        await admin.query(`drop database ${nameIn(copied.url)} with (force)`)
      }
    },
    async close() {
      await admin.end()
      await server.stop()
    },
  }
}
