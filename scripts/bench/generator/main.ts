// The load generator: a process of its own, so that its work is neither measured as the realm's nor in its way. It
// obeys one order at a time and says what happened; it ends when the bench does.
import { type Device, openDevice } from './device.ts'
import { openEcho } from './echo.ts'
import type { OpenDevices, OpenEchoes, Order, Report, Work } from './orders.ts'
import { runWindow } from './window.ts'

const OPENED_AT_ONCE = 8

let devices: readonly Device[] = []
let plainEchoes: readonly Device[] = []
let tlsEchoes: readonly Device[] = []

process.on('disconnect', () => process.exit(0))
process.on('message', (order: Order) => {
  obey(order)
    .catch((error: unknown): Report => ({ kind: 'failed', why: describe(error) }))
    .then((report) => process.send?.(report))
    .catch(() => process.exit(1))
})

async function obey(order: Order): Promise<Report> {
  switch (order.kind) {
    case 'open-devices':
      devices = await openAll(order)
      return { kind: 'opened', devices: devices.length }
    case 'open-echoes':
      plainEchoes = echoesOf(order, 'http')
      tlsEchoes = echoesOf(order, 'https')
      return { kind: 'opened', devices: plainEchoes.length }
    case 'load':
      return await runWindow(devicesFor(order.work), order)
  }
}

function devicesFor(work: Work): readonly Device[] {
  if (work === 'echo-http') return plainEchoes
  return work === 'echo-https' ? tlsEchoes : devices
}

function echoesOf(order: OpenEchoes, scheme: 'http' | 'https'): readonly Device[] {
  return Array.from({ length: order.count }, () => openEcho(order, scheme))
}

async function openAll({ people, cloud, keysEach }: OpenDevices): Promise<readonly Device[]> {
  const opened: Device[] = []
  for (let start = 0; start < people.length; start += OPENED_AT_ONCE) {
    const some = people.slice(start, start + OPENED_AT_ONCE)
    opened.push(...(await Promise.all(some.map((who) => openDevice(who, cloud, keysEach)))))
  }
  return opened
}

function describe(error: unknown): string {
  return error instanceof Error ? (error.stack ?? error.message) : String(error)
}
