// A name of one's own beside a place, for what becomes whole before it gets that place. What somebody who was killed
// left there is taken away first; what somebody else is writing just now is never touched.

import { existsSync, readdirSync, rmSync } from 'node:fs'
import { basename, dirname, join } from 'node:path'
import { systemRandom } from '../../crypto/index.ts'
import { holdFile } from '../../store/index.ts'

export interface Scratch {
  /** Nothing is there yet. */
  readonly path: string
  /** Takes away what is left of it. */
  release(): void
}

const OURS = /^(\..+\.[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12})\.(?:partial|lock)$/

const remove = (stem: string): void => {
  // The lock last: a scratch without one would be nobody's.
  rmSync(`${stem}.partial`, { recursive: true, force: true })
  rmSync(`${stem}.lock`, { force: true })
}

/** Whoever makes a scratch holds its lock from before it exists until after it is gone. */
const sweep = (folder: string): void => {
  const stems = new Set(readdirSync(folder).flatMap((name) => OURS.exec(name)?.[1] ?? []))
  for (const stem of stems) {
    const letGo = holdFile(join(folder, `${stem}.lock`))
    if (letGo === undefined) continue
    try {
      remove(join(folder, stem))
    } finally {
      letGo()
    }
  }
}

const ATTEMPTS = 3

const held = (place: string): Scratch => {
  for (let attempt = 1; ; attempt += 1) {
    const stem = join(dirname(place), `.${basename(place)}.${systemRandom.uuid()}`)
    const letGo = holdFile(`${stem}.lock`)
    // Held and still there: nobody can take it away any more; whoever was sweeping may have been quicker, once. Where no
    // file can be held, nobody who sweeps can hold one either, and leaves all of them alone.
    if ((letGo !== undefined && existsSync(`${stem}.lock`)) || attempt === ATTEMPTS) {
      const release = (): void => {
        remove(stem)
        letGo?.()
      }
      return { path: `${stem}.partial`, release }
    }
    letGo?.()
  }
}

/** Throws what the file system throws if the folder of `place` cannot be read or written. */
export const takeScratch = (place: string): Scratch => {
  sweep(dirname(place))
  return held(place)
}
