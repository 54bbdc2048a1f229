// Lines for tests of the relay: what the core sends is kept, and data leaves only when the test lets it.

import {
  type CoreFrame,
  decodeCoreFrame,
  decodeStreamData,
  type StreamData,
} from '../../../../src/boundary/index.ts'
import type { DataLine } from '../../../../src/core/streams/line.ts'
import { openStreamRelay, type StreamRules } from '../../../../src/core/streams/relay.ts'
import { isRefusal } from '../../../../src/refusal.ts'
import { instant } from '../../../../src/time.ts'

export interface TestLine extends DataLine {
  readonly frames: CoreFrame[]
  readonly data: StreamData[]
  /** Everything in the order in which it left: a frame's type, or `data N`. */
  readonly order: string[]
  /** Bytes that were handed over and have not left. */
  readonly stuckBytes: () => number
  /** Whether data leaves at once. */
  isFlowing: boolean
  flow(): void
}

export const makeLine = (): TestLine => {
  const over = new Set<number>()
  const stuck: { readonly bytes: number; readonly done: () => void }[] = []
  const line: TestLine = {
    frames: [],
    data: [],
    order: [],
    isFlowing: true,
    stuckBytes: () => stuck.reduce((sum, { bytes }) => sum + bytes, 0),
    flow: () => {
      for (const { done } of stuck.splice(0)) done()
    },
    send(text) {
      const frame = decodeCoreFrame(text)
      if (isRefusal(frame)) throw new Error(`the core sent a bad frame: ${text}`)
      if (frame.type === 'stream-abort') over.add(frame.stream)
      line.frames.push(frame)
      line.order.push(frame.type)
    },
    sendData(message, done) {
      const piece = decodeStreamData(message)
      if (piece === undefined) throw new Error('the core sent bad data')
      // Nothing follows an abort.
      if (over.has(piece.stream)) throw new Error('data of a stream that was aborted')
      line.data.push(piece)
      line.order.push(`data ${piece.stream}`)
      if (line.isFlowing) done()
      else stuck.push({ bytes: message.length, done })
    },
  }
  return line
}

export const ACME = 'kms.acme.example'
export const GLOBEX = 'kms.globex.example'
export const INITECH = 'kms.initech.example'

/** Three realms with lines that are up. */
export const makeRelay = (rules: Partial<StreamRules> = {}) => {
  const counts: number[] = []
  const known = new Set([ACME, GLOBEX, INITECH, 'kms.away.example'])
  const relay = openStreamRelay({
    isRealm: (domain) => known.has(domain),
    perRealm: 8,
    perPair: 4,
    opensPerSecond: 1_000_000,
    acceptWithinMs: 60_000,
    now: () => instant(0),
    onCount: (open) => counts.push(open),
    ...rules,
  })
  const lines = { acme: makeLine(), globex: makeLine(), initech: makeLine() }
  relay.lineUp(ACME, lines.acme)
  relay.lineUp(GLOBEX, lines.globex)
  relay.lineUp(INITECH, lines.initech)
  /** Opens from acme and accepts at the other: the ids at both. */
  const connect = (id: number, to = GLOBEX): readonly [number, number] => {
    const line = to === GLOBEX ? lines.globex : lines.initech
    relay.take(ACME, { type: 'stream-open', stream: id, to }, lines.acme)
    const opened = line.frames.at(-1)
    if (opened?.type !== 'stream-opened-for') throw new Error('nothing was opened')
    relay.take(to, { type: 'stream-accept', stream: opened.stream }, line)
    return [id, opened.stream]
  }
  return { relay, counts, connect, ...lines }
}
