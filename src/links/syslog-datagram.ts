// Syslog over UDP (RFC 5426): one message a datagram, in the clear, best effort. Nobody ever learns whether one
// arrived: an entry counts as delivered when this machine's network has taken it. For evidence choose TLS or a file.

import { createSocket, type Socket } from 'node:dgram'
import { lookup } from 'node:dns/promises'
import type { Shipment, ShipTarget } from '../audit/index.ts'
import { Fault } from '../fault.ts'
import { seconds } from '../time.ts'

export interface SyslogDatagramOptions {
  readonly host: string
  readonly port: number
}

/** What fits into one datagram; a longer message is cut, as RFC 5424 §6.1 lets a receiver do. */
const DATAGRAM_MAX_BYTES = 65_000
const CONCLUDE_AFTER = seconds(1)

const encoder = new TextEncoder()

const fitting = (line: string): Uint8Array => {
  const bytes = encoder.encode(line)
  if (bytes.length <= DATAGRAM_MAX_BYTES) return bytes
  // Not in the middle of a letter.
  let end = DATAGRAM_MAX_BYTES
  while (((bytes[end] ?? 0) & 0xc0) === 0x80) end -= 1
  return bytes.subarray(0, end)
}

const shipmentOn = (socket: Socket): Shipment => ({
  write: async (lines) => {
    for (const line of lines) {
      await new Promise<void>((resolve, reject) => {
        socket.send(fitting(line), (error) =>
          error ? reject(new Fault('links.ship-lost', error)) : resolve(),
        )
      })
    }
  },
  conclude: async () => void socket.close(),
  abandon: () => {
    try {
      socket.close()
    } catch {
      // It is closed already.
    }
  },
})

export const createSyslogDatagram = ({ host, port }: SyslogDatagramOptions): ShipTarget => ({
  concludeAfter: CONCLUDE_AFTER,
  open: async () => {
    const { address, family } = await lookup(host).catch((error: unknown) => {
      throw new Fault('links.ship-unreachable', error)
    })
    const socket = createSocket(family === 6 ? 'udp6' : 'udp4')
    // A connected socket hears that nobody listens; the next message fails then.
    let lost: Error | undefined
    socket.on('error', (error) => {
      lost = error
    })
    await new Promise<void>((resolve, reject) => {
      socket.connect(port, address, (error?: Error) => (error ? reject(error) : resolve()))
    }).catch((error: unknown) => {
      socket.close()
      throw new Fault('links.ship-unreachable', error)
    })
    const shipment = shipmentOn(socket)
    return {
      ...shipment,
      write: async (lines) => {
        await shipment.write(lines)
        if (lost !== undefined) throw new Fault('links.ship-lost', lost)
      },
    }
  },
})
