// Settings of the store → what `openStore` takes: files read, password resolved, URL put together.

import { readNamedText, readSecret, type Settings, secretPlace } from '../config/index.ts'
import type { StoreSettings } from '../store/index.ts'

type Postgres = Extract<Settings['store'], { readonly kind: 'postgres' }>

const passwordOf = ({ password }: Postgres): string | undefined =>
  password === undefined
    ? undefined
    : new TextDecoder().decode(readSecret(password, secretPlace(process.env))).trimEnd()

const urlOf = ({ host, port, database, user }: Postgres): string => {
  const isSocket = host.startsWith('/')
  const server = isSocket ? encodeURIComponent(host) : host.includes(':') ? `[${host}]` : host
  return `postgres://${encodeURIComponent(user)}@${server}:${port}/${encodeURIComponent(database)}`
}

export const storeSettings = ({ store }: Settings): StoreSettings => {
  if (store.kind === 'sqlite') return { kind: 'sqlite', file: store.file }
  const password = passwordOf(store)
  const { mode, caFile } = store.tls
  return {
    kind: 'postgres',
    url: urlOf(store),
    poolSize: store.poolSize,
    ...(password === undefined ? {} : { password }),
    ...(mode === 'disable' || caFile === undefined
      ? {}
      : { tls: { caPem: readNamedText(caFile) } }),
  }
}
