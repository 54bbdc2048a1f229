// How the last start in a log ended, learnt from its entries as they pass by: a restored realm must say at its first
// start that the one before was cut off, or its log would have a hole that nobody explains.

import type { Row, Table } from '../../backup/index.ts'

interface Told {
  readonly action?: unknown
  readonly boot?: unknown
}

const parse = (body: unknown): Told => {
  if (typeof body !== 'string') return {}
  try {
    const told: unknown = JSON.parse(body)
    return Object(told)
  } catch {
    return {}
  }
}

export class LastStartReader {
  /** Rows may come in any order. */
  #last = { sequence: 0, boot: '', isStopped: false }

  see({ name, columns }: Table, rows: readonly Row[]): void {
    if (name !== 'audit_entries') return
    const [body, sequence] = ['body', 'sequence'].map((wanted) =>
      columns.findIndex((column) => column.name === wanted),
    )
    for (const row of rows) this.#judge(row[body ?? -1], Number(row[sequence ?? -1]))
  }

  /** What `last-start.json` says; undefined before the first start. */
  text(): string | undefined {
    const { boot, isStopped, sequence } = this.#last
    return sequence === 0 ? undefined : JSON.stringify({ boot, isStopped })
  }

  #judge(body: unknown, sequence: number): void {
    // Looked at before it is parsed: of a million entries a handful are about starts.
    if (typeof body !== 'string' || !body.includes('"process.st')) return
    const { action, boot } = parse(body)
    const isStopped = action === 'process.stopped'
    const isAboutStart = isStopped || action === 'process.started'
    if (!isAboutStart || typeof boot !== 'string' || sequence <= this.#last.sequence) return
    this.#last = { sequence, boot, isStopped }
  }
}
