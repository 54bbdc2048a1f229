// Summarises a CPU profile (`node --cpu-prof`, `scripts/bench/kms.ts --profile DIR`): self time by function and by file.
// Idle time is left out. It reads one file and writes none.
import { readFileSync } from 'node:fs'
import { relative } from 'node:path'
import { fileURLToPath } from 'node:url'

interface Frame {
  readonly functionName: string
  readonly url: string
  readonly lineNumber: number
}

interface Profile {
  readonly nodes: readonly {
    readonly id: number
    readonly callFrame: Frame
    readonly children?: readonly number[]
  }[]
  readonly samples: readonly number[]
  readonly timeDeltas: readonly number[]
}

const NOT_WORK = new Set(['(idle)', '(root)'])
const ROWS = 45

const [file = '', from = '0', to = '1'] = process.argv.slice(2)
const profile: Profile = JSON.parse(readFileSync(file, 'utf8'))
const self = selfTimes(profile, Number(from), Number(to))
const total = [...self.values()].reduce((sum, micros) => sum + micros, 0)
console.log(`${(total / 1e6).toFixed(1)} s of work`)
print('by function', grouped(profile, self, whereOf))
print(
  'by file',
  grouped(profile, self, ({ url }) => placeOf(url)),
)
print('with callees (ours)', inclusive(profile, self))

/** Microseconds by node, within a part of the profile: 0.5 to 1 is its second half. */
function selfTimes({ samples, timeDeltas }: Profile, start: number, end: number) {
  const times = new Map<number, number>()
  const first = Math.floor(samples.length * start)
  for (let index = first; index < samples.length * end; index += 1) {
    const node = samples[index] ?? 0
    times.set(node, (times.get(node) ?? 0) + (timeDeltas[index] ?? 0))
  }
  for (const { id, callFrame } of profile.nodes) {
    if (NOT_WORK.has(callFrame.functionName)) times.delete(id)
  }
  return times
}

function grouped(
  { nodes }: Profile,
  times: ReadonlyMap<number, number>,
  by: (frame: Frame) => string,
) {
  const groups = new Map<string, number>()
  for (const { id, callFrame } of nodes) {
    const name = by(callFrame)
    groups.set(name, (groups.get(name) ?? 0) + (times.get(id) ?? 0))
  }
  return groups
}

/** Time in a function of this project and everything that it calls, each function counted once a stack. */
function inclusive({ nodes }: Profile, times: ReadonlyMap<number, number>) {
  const byId = new Map(nodes.map((node) => [node.id, node]))
  const groups = new Map<string, number>()
  const visit = (id: number, above: ReadonlySet<string>): number => {
    const node = byId.get(id)
    if (node === undefined) return 0
    const name = whereOf(node.callFrame)
    const isOurs = name.includes('src/')
    const within = isOurs ? new Set([...above, name]) : above
    let sum = times.get(id) ?? 0
    for (const child of node.children ?? []) sum += visit(child, within)
    if (isOurs && !above.has(name)) groups.set(name, (groups.get(name) ?? 0) + sum)
    return sum
  }
  const [root] = nodes
  if (root !== undefined) visit(root.id, new Set())
  return groups
}

function whereOf({ functionName, url, lineNumber }: Frame): string {
  return `${functionName || '(anonymous)'} ${placeOf(url)}${url === '' ? '' : `:${lineNumber + 1}`}`
}

function placeOf(url: string): string {
  if (url === '') return '(native)'
  return url.startsWith('file:') ? relative(process.cwd(), fileURLToPath(url)) : url
}

function print(title: string, groups: ReadonlyMap<string, number>): void {
  console.log(`\n${title}`)
  const rows = [...groups].sort(([, a], [, b]) => b - a).slice(0, ROWS)
  for (const [name, micros] of rows) {
    console.log(`${((100 * micros) / total).toFixed(1).padStart(6)} %  ${name}`)
  }
}
