// A `store` section of the settings for a database of the test's own server; the password in a file.

import { writeFileSync } from 'node:fs'

export const postgresSection = (url: string, passwordFile: string): object => {
  const { username, password, host, pathname } = new URL(url)
  writeFileSync(passwordFile, decodeURIComponent(password), { mode: 0o600 })
  return {
    kind: 'postgres',
    url: `postgres://${username}@${host}${pathname}`,
    password: { file: passwordFile },
    tls: { mode: 'disable' },
  }
}
