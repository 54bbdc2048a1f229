// What the kernel says of a process: CPU time and memory, from /proc (Linux, see proc(5)). It reads other
// processes' numbers and never touches them.
import { readdirSync, readFileSync } from 'node:fs'

/** USER_HZ: fixed to 100 by the kernel's interface to user space on every architecture that Node runs on. */
const TICKS_PER_SECOND = 100

/** Names of processes, each a list of process ids that are counted together. */
export type Watched = Readonly<Record<string, readonly number[]>>

export interface CpuReading {
  readonly secondsOf: Readonly<Record<string, number>>
  /** All processors, everybody's work. */
  readonly machineSeconds: number
}

interface Stat {
  readonly parent: number
  /** User and system time, that of children that have ended included. */
  readonly cpuSeconds: number
}

/** A line of /proc/PID/stat. The name in it may hold anything, `)` too. */
export function parseStat(line: string): Stat {
  const fields = line.slice(line.lastIndexOf(')') + 2).split(' ')
  const ticks = fields.slice(11, 15).reduce((sum, field) => sum + Number(field), 0)
  return { parent: Number(fields[1]), cpuSeconds: ticks / TICKS_PER_SECOND }
}

/** Seconds in which the processors worked, in the first line of /proc/stat. */
export function parseMachineStat(text: string): number {
  const [user, nice, system, , , interrupts, softInterrupts] = text
    .slice(0, text.indexOf('\n'))
    .split(/\s+/)
    .slice(1)
    .map(Number)
  const parts = [user, nice, system, interrupts, softInterrupts]
  return parts.reduce<number>((sum, part) => sum + (part ?? 0), 0) / TICKS_PER_SECOND
}

/** A process counts with all its descendants: a database server works in many. */
export function readCpu(watched: Watched): CpuReading {
  const secondsOf: Record<string, number> = {}
  const all = readAll()
  const secondsWithChildren = (pid: number): number =>
    [...all].reduce(
      (sum, [child, { parent }]) => (parent === pid ? sum + secondsWithChildren(child) : sum),
      all.get(pid)?.cpuSeconds ?? 0,
    )
  for (const [name, pids] of Object.entries(watched)) {
    secondsOf[name] = pids.reduce((sum, pid) => sum + secondsWithChildren(pid), 0)
  }
  return { secondsOf, machineSeconds: parseMachineStat(readFileSync('/proc/stat', 'utf8')) }
}

function readAll(): ReadonlyMap<number, Stat> {
  const pids = readdirSync('/proc').filter((name) => /^\d+$/.test(name))
  return new Map(
    pids.flatMap((pid) => {
      const line = readOrNothing(`/proc/${pid}/stat`)
      return line === '' ? [] : [[Number(pid), parseStat(line)] as const]
    }),
  )
}

/** Processes end while they are looked at. */
function readOrNothing(file: string): string {
  try {
    return readFileSync(file, 'utf8')
  } catch {
    return ''
  }
}

export interface CpuUse {
  readonly secondsOf: Readonly<Record<string, number>>
  /** Seconds of the machine that none of the watched processes used. */
  readonly elsewhereSeconds: number
}

export function cpuBetween(before: CpuReading, after: CpuReading): CpuUse {
  const secondsOf: Record<string, number> = {}
  let own = 0
  for (const [name, seconds] of Object.entries(after.secondsOf)) {
    const used = seconds - (before.secondsOf[name] ?? 0)
    secondsOf[name] = used
    own += used
  }
  const machine = after.machineSeconds - before.machineSeconds
  return { secondsOf, elsewhereSeconds: Math.max(0, machine - own) }
}

export interface Memory {
  /** All resident memory, and the part of it that no file backs: heap, stacks, buffers. */
  readonly residentBytes: number
  readonly anonymousBytes: number
}

/** From the text of /proc/PID/status. */
export function parseMemory(status: string): Memory {
  const kilobytes = (name: string): number =>
    Number(new RegExp(`^${name}:\\s+(\\d+) kB$`, 'm').exec(status)?.[1] ?? 0)
  return {
    residentBytes: kilobytes('VmRSS') * 1024,
    anonymousBytes: kilobytes('RssAnon') * 1024,
  }
}

export function memoryOf(pid: number): Memory {
  return parseMemory(readFileSync(`/proc/${pid}/status`, 'utf8'))
}

/** The processes that were started with this word on their command line, but for children of such. */
export function processesWith(word: string): readonly number[] {
  const all = readAll()
  const found = [...all.keys()].filter((pid) =>
    readOrNothing(`/proc/${pid}/cmdline`).split('\0').includes(word),
  )
  return found.filter((pid) => !found.includes(all.get(pid)?.parent ?? 0))
}
