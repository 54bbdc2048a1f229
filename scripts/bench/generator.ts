// The bench's end of a load generator: starts the process, gives it orders, and turns a failure into an Error.
import { type ChildProcess, fork } from 'node:child_process'
import { resolve } from 'node:path'
import type { Done, Load, OpenDevices, OpenEchoes, Order, Report } from './generator/orders.ts'
import type { Watched } from './proc.ts'

const PROGRAM = resolve(import.meta.dirname, 'generator/main.ts')
const REPORTS_WITHIN_MS = 300_000

export interface Generator {
  readonly pid: number
  openDevices(wanted: Omit<OpenDevices, 'kind'>): Promise<void>
  openEchoes(wanted: Omit<OpenEchoes, 'kind'>): Promise<void>
  /** The generator's own CPU time is always read too, as `generator`. */
  run(load: Omit<Load, 'kind' | 'watched'>, watched: Watched): Promise<Done>
  close(): void
}

export function startGenerator(): Generator {
  const child = fork(PROGRAM, [], { serialization: 'advanced' })
  const pid = child.pid ?? 0
  const tell = teller(child)
  return {
    pid,
    async openDevices(wanted) {
      await tell({ kind: 'open-devices', ...wanted })
    },
    async openEchoes(wanted) {
      await tell({ kind: 'open-echoes', ...wanted })
    },
    async run(load, watched) {
      const all = { ...watched, generator: [pid] }
      const report = await tell({ kind: 'load', ...load, watched: all })
      if (report.kind !== 'done') throw new Error('The generator did something else.')
      return report
    },
    close: () => child.kill('SIGKILL'),
  }
}

type Tell = (order: Order) => Promise<Exclude<Report, { kind: 'failed' }>>

/** One order at a time: the next report is the answer to the last order. */
function teller(child: ChildProcess): Tell {
  let settle: (report: Report) => void = () => undefined
  const fail = (why: string) => settle({ kind: 'failed', why })
  child.on('message', (report: Report) => settle(report))
  child.on('exit', () => fail('it ended'))
  return async (order) => {
    const { promise, resolve: settled } = Promise.withResolvers<Report>()
    settle = settled
    const timer = setTimeout(() => fail('it is too slow'), REPORTS_WITHIN_MS)
    child.send(order)
    const report = await promise
    clearTimeout(timer)
    if (report.kind === 'failed') throw new Error(`The generator failed: ${report.why}`)
    return report
  }
}
