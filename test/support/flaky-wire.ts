// A TCP wire between two peers that breaks when it is told to: connections reset, cut in the middle, or silent for ever.

import { connect, createServer, type Socket } from 'node:net'

interface Pair {
  readonly near: Socket
  readonly far: Socket
}

export interface FlakyWire {
  readonly host: string
  readonly port: number
  /** Resets one connection. */
  reset(at: number): void
  /** Lets `bytes` more come back over one connection, then ends it. */
  half(at: number, bytes: number): void
  /** One connection stays open and carries nothing any more. */
  silence(at: number): void
  cutAll(): void
  close(): Promise<void>
}

export const openFlakyWire = async (to: {
  readonly host: string
  readonly port: number
}): Promise<FlakyWire> => {
  const pairs = new Set<Pair>()
  const server = createServer({ noDelay: true, allowHalfOpen: true }, (near) => {
    const far = connect({ host: to.host, port: to.port, noDelay: true, allowHalfOpen: true })
    const pair = { near, far }
    pairs.add(pair)
    for (const [one, other] of [
      [near, far],
      [far, near],
    ] as const) {
      one.on('error', () => undefined)
      one.on('data', (bytes) => void other.write(bytes))
      one.on('end', () => void other.end())
      one.on('close', () => {
        pairs.delete(pair)
        other.destroy()
      })
    }
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const address = server.address()
  if (address === null || typeof address === 'string') throw new Error('no port')
  const pick = (at: number): Pair | undefined => [...pairs][at % Math.max(1, pairs.size)]
  return {
    host: '127.0.0.1',
    port: address.port,
    reset: (at) => void pick(at)?.near.resetAndDestroy(),
    half(at, bytes) {
      const pair = pick(at)
      let left = bytes
      pair?.far.on('data', (chunk) => {
        left -= chunk.length
        if (left <= 0) pair.near.destroy()
      })
    },
    silence(at) {
      const pair = pick(at)
      for (const socket of pair === undefined ? [] : [pair.near, pair.far]) {
        socket.removeAllListeners('data')
        socket.removeAllListeners('end')
        socket.resume()
      }
    },
    cutAll() {
      for (const { near } of pairs) near.destroy()
    },
    close: () =>
      new Promise((resolve) => {
        for (const { near } of pairs) near.destroy()
        server.close(() => resolve())
      }),
  }
}
