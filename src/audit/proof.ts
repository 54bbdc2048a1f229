// Proofs as files that anybody's program can check: one entry is in the log (C2SP tlog-proof), and one
// checkpoint begins another (the body of C2SP tlog-witness's add-checkpoint).

import { decodeBase64, encodeBase64 } from './note.ts'

const FORMAT = 'c2sp.org/tlog-proof@v1'
const PROOF =
  /^c2sp\.org\/tlog-proof@v1\n(?:extra (?<extra>[^\n]*)\n)?index (?<index>0|[1-9]\d{0,15})\n(?<hashes>(?:[^\n]+\n)*)\n(?<checkpoint>[\s\S]+)$/
const CONSISTENCY =
  /^old (?<index>0|[1-9]\d{0,15})\n(?<hashes>(?:[^\n]+\n)*)\n(?<checkpoint>[\s\S]+)$/

/** A proof about the checkpoint that it carries. */
export interface Proof {
  /** The entry's index from 0; of a consistency proof, the size of the older tree. */
  readonly index: number
  readonly hashes: readonly Uint8Array[]
  /** The signed note. */
  readonly checkpoint: string
  /** Our inclusion proofs bring the entry along; whoever checks hashes it. */
  readonly extra?: Uint8Array
}

const linesOf = (hashes: readonly Uint8Array[]): string =>
  hashes.map((hash) => `${encodeBase64(hash)}\n`).join('')

const parseProof = (pattern: RegExp, raw: string): Proof | undefined => {
  const { index, hashes, checkpoint, extra } = pattern.exec(raw)?.groups ?? {}
  if (hashes === undefined || checkpoint === undefined) return undefined
  const lines = hashes === '' ? [] : hashes.slice(0, -1).split('\n')
  const decoded = lines.flatMap((line) => decodeBase64(line) ?? [])
  const isWhole = decoded.length === lines.length && decoded.every(({ length }) => length === 32)
  if (!isWhole) return undefined
  const brought = extra === undefined ? undefined : decodeBase64(extra)
  const proof = { index: Number(index), hashes: decoded, checkpoint }
  return brought === undefined ? proof : { ...proof, extra: brought }
}

export const formatInclusion = ({ index, hashes, checkpoint, extra }: Proof): string =>
  `${FORMAT}\n${extra === undefined ? '' : `extra ${encodeBase64(extra)}\n`}index ${index}\n${linesOf(hashes)}\n${checkpoint}`

export const parseInclusion = (raw: string): Proof | undefined => parseProof(PROOF, raw)

export const formatConsistency = ({ index, hashes, checkpoint }: Proof): string =>
  `old ${index}\n${linesOf(hashes)}\n${checkpoint}`

export const parseConsistency = (raw: string): Proof | undefined => parseProof(CONSISTENCY, raw)
