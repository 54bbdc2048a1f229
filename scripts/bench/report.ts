// Figures as text: tables whose columns line up. Pure; what a figure means stands in README.md.

export type Cell = string | number | undefined
export type Row = Readonly<Record<string, Cell>>

const ABSENT = '-'

/** The columns of the first row, in its order; numbers to the right. */
export function table(rows: readonly Row[]): string {
  const columns = Object.keys(rows[0] ?? {})
  const cells = rows.map((row) => columns.map((column) => shown(row[column])))
  const widths = columns.map((column, at) =>
    Math.max(column.length, ...cells.map((row) => row[at]?.length ?? 0)),
  )
  const isNumeric = columns.map((column) => rows.some((row) => typeof row[column] === 'number'))
  const line = (texts: readonly string[]) =>
    texts
      .map((text, at) =>
        isNumeric[at] ? text.padStart(widths[at] ?? 0) : text.padEnd(widths[at] ?? 0),
      )
      .join('  ')
      .trimEnd()
  return [line(columns), ...cells.map(line)].join('\n')
}

function shown(cell: Cell): string {
  if (cell === undefined) return ABSENT
  return typeof cell === 'number' ? number(cell) : cell
}

/** Three significant figures at most after the point, none where they say nothing. */
export function number(figure: number): string {
  if (!Number.isFinite(figure)) return ABSENT
  const size = Math.abs(figure)
  return figure.toFixed(size >= 100 || figure === Math.trunc(figure) ? 0 : size >= 10 ? 1 : 2)
}

export function percent(share: number): string {
  return Number.isFinite(share) ? `${Math.round(100 * share)} %` : ABSENT
}

export function megabytes(bytes: number): string {
  return `${number(bytes / 1e6)} MB`
}
