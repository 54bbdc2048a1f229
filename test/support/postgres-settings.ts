// A realm's settings of its store on a PostgreSQL server of the tests.

import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { RunningPostgres } from './postgres.ts'

/** The store's settings, and the password in a file of its owner's. */
export const storeOn = ({ url }: RunningPostgres, directory: string): object => {
  const { hostname, port, username, password, pathname } = new URL(url)
  mkdirSync(directory, { recursive: true, mode: 0o700 })
  const file = join(directory, 'database-password')
  writeFileSync(file, decodeURIComponent(password), { mode: 0o600 })
  return {
    kind: 'postgres',
    host: hostname,
    port: Number(port),
    database: pathname.slice(1),
    user: username,
    password: { file },
    tls: { mode: 'disable' },
  }
}
