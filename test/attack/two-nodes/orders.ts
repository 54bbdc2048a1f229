// What a node is told, and what it says.

import { seconds } from '../../../src/time.ts'

export interface Orders {
  readonly url: string
  /** Its name in the entries. */
  readonly node: string
}

/** One of these a line. */
export interface Said {
  /** Names this start of it. */
  readonly ready?: string
  /** The requestIds of entries that are durable. */
  readonly recorded?: readonly string[]
  /** A signed note that is durable. */
  readonly published?: string
}

export const MAIN_KEY = new Uint8Array(32).fill(7)
/** A silent node loses the tree after so long. */
export const HELD_FOR = seconds(1)
