// Loaded before a program (`node --import`): counts what it asks of its database and every change that it makes to files,
// and kills it (SIGKILL) at the point it was told, before the call or right after. The program cannot tell.
//   KEYREALM_MORTAL='{"after":12,"told":"FILE"}'; it writes how many points there were to FILE if it lives.

import fs from 'node:fs'
import { syncBuiltinESMExports } from 'node:module'
import Sqlite from 'better-sqlite3'
import pg from 'pg'

const { after, told } = JSON.parse(process.env['KEYREALM_MORTAL'] ?? '{}')
let points = 0

const reach = (): void => {
  if (points === after) process.kill(process.pid, 'SIGKILL')
  points += 1
}

/** A point before the call, one when it has been made, and one when what it promised is there. */
const makeMortal = (owner: object, name: string): void => {
  const original: unknown = Reflect.get(owner, name)
  if (typeof original !== 'function') throw new Error(`there is no ${name}`)
  const mortal = new Proxy(original, {
    apply(target, self, values) {
      reach()
      const result: unknown = Reflect.apply(target, self, values)
      reach()
      if (result instanceof Promise) result.then(reach, reach)
      return result
    },
  })
  Reflect.set(owner, name, mortal)
}

const FILES = ['chmodSync', 'fsyncSync', 'linkSync', 'mkdirSync', 'renameSync', 'rmSync']
const MORE_FILES = ['writeFileSync', 'fsync', 'fdatasync', 'link', 'write']
for (const name of [...FILES, ...MORE_FILES]) makeMortal(fs, name)
for (const name of ['mkdir', 'writeFile']) makeMortal(fs.promises, name)
syncBuiltinESMExports()

const scratch = new Sqlite(':memory:')
makeMortal(Object.getPrototypeOf(scratch.prepare('select 1')), 'run')
scratch.close()
makeMortal(Sqlite.prototype, 'exec')
makeMortal(pg.Client.prototype, 'query')

const { writeFileSync } = fs
process.on('exit', () => {
  const said = points
  if (typeof told === 'string') writeFileSync(told, `${said}`)
})
