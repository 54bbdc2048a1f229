// Frames to text and back. Both directions pass the same parser, so a realm cannot send by mistake
// what a core would refuse: a private member in the JWK stops here, on the realm's side.

import { Fault } from '../fault.ts'
import { isRefusal, type Refusal, refuse } from '../refusal.ts'
import { parseJson } from './details.ts'
import { type CoreFrame, FRAME_MAX_BYTES, type RealmFrame } from './link.ts'
import { parseCoreFrame, parseRealmFrame } from './parse.ts'

/** A realm's frame as text. Throws a Fault `boundary.unfit-frame` for one that must not cross. */
export const encodeRealmFrame = (frame: RealmFrame): string => encode(frame, parseRealmFrame)

/** A core's frame as text. Throws a Fault `boundary.unfit-frame` for one the realm would refuse. */
export const encodeCoreFrame = (frame: CoreFrame): string => encode(frame, parseCoreFrame)

/** Any text to a realm's frame, or a Refusal. */
export const decodeRealmFrame = (text: string): RealmFrame | Refusal =>
  text.length > FRAME_MAX_BYTES ? OVERSIZED : parseRealmFrame(parseJson(text))

/** Any text to a core's frame, or a Refusal. */
export const decodeCoreFrame = (text: string): CoreFrame | Refusal =>
  text.length > FRAME_MAX_BYTES ? OVERSIZED : parseCoreFrame(parseJson(text))

const OVERSIZED = refuse('boundary.oversized-frame')

const encode = <Frame>(frame: Frame, parse: (raw: unknown) => object): string => {
  if (isRefusal(parse(frame))) throw new Fault('boundary.unfit-frame')
  const text = JSON.stringify(frame)
  // Frames that pass are ASCII but for `kmsMessages` of a core, so characters count as bytes.
  if (text.length > FRAME_MAX_BYTES) throw new Fault('boundary.unfit-frame')
  return text
}
