// Choices of a report that come out the same for the same seed.

import { hmacSha256, type SecretBytes } from '../../crypto/index.ts'

/** A whole number from 0 to below `below`. */
export type Draw = (below: number) => number

export const drawsFrom = (seed: SecretBytes, purpose: string): Draw => {
  let drawn = 0
  return (below) => {
    drawn += 1
    const bytes = hmacSha256(seed, `keyrealm lab draw ${purpose} ${drawn}`)
    const word = new DataView(bytes.buffer, bytes.byteOffset).getUint32(0)
    return Math.floor((word / 2 ** 32) * below)
  }
}

/** `count` different elements, or all. */
export const choose = <Item>(
  items: readonly Item[],
  count: number,
  draw: Draw,
): readonly Item[] => {
  const left = [...items]
  const chosen: Item[] = []
  while (chosen.length < count && left.length > 0) chosen.push(...left.splice(draw(left.length), 1))
  return chosen
}
