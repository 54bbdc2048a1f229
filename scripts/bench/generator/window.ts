// One measured window: messages are sealed before it, posted in it, and their answers opened and matched after it, so
// that the generator takes as little as it can of the machine that it shares with what is measured.
import { cpuBetween, readCpu } from '../proc.ts'
import { type Device, postBody } from './device.ts'
import type { Arrival } from './mercury.ts'
import type { Done, Load } from './orders.ts'
import { judge, type Sealed, sealOne } from './work.ts'

interface Post {
  readonly body: string
  readonly asked: readonly Sealed[]
}

interface Answered {
  readonly device: Device
  readonly post: Post
  readonly postedMs: number
  readonly arrivals: readonly Arrival[]
  /** Filled at once where clients work, after the window where they are ready. */
  readonly latenciesMs?: readonly number[]
}

const WARM_UP_SECONDS = 0.4
/** Sealed ahead: this many times what the warm-up says will be needed. */
const SPARE = 1.6
/** Ahead at most: 2.5 kB each, so about 300 MB. */
const SEALED_MOST = 120_000

export async function runWindow(devices: readonly Device[], load: Load): Promise<Done> {
  const all = devices.slice(0, load.devices)
  if (all.length < load.devices) throw new Error(`Only ${all.length} devices are open.`)
  const source = createSource(all, load)
  const { most: _most, ...warm } = { ...load, seconds: Math.min(WARM_UP_SECONDS, load.seconds) }
  const firstMs = performance.now()
  const before = await postAll(all, warm, source.next)
  const rate = before.length / (performance.now() - firstMs)
  if (load.clients === 'ready') {
    source.fill(Math.ceil((rate * load.seconds * 1000 * SPARE) / all.length) + 1)
  }
  const warmUpMessages = before.length * load.perPost
  return { warmUpMessages, ...(await measure(all, load, source)) }
}

async function measure(
  devices: readonly Device[],
  load: Load,
  source: ReturnType<typeof createSource>,
): Promise<Omit<Done, 'warmUpMessages'>> {
  const cpuBefore = readCpu(load.watched)
  const startMs = performance.now()
  const answered = await postAll(devices, load, source.next)
  const seconds = (performance.now() - startMs) / 1000
  const cpu = cpuBetween(cpuBefore, readCpu(load.watched))
  const sizes = answered.flatMap(({ post }) => post.asked.map(({ compact }) => compact.length))
  const answerSizes = answered.flatMap(({ arrivals }) => arrivals.map((one) => one.compact.length))
  return {
    kind: 'done',
    posts: answered.length,
    messages: sizes.length,
    seconds,
    latenciesMs: Float64Array.from(
      answered.flatMap((one) => one.latenciesMs ?? latencies(one, load)),
    ),
    cpu,
    sealedInside: source.sealedInside(),
    requestChars: mean(sizes),
    answerChars: mean(answerSizes),
  }
}

/** Posts of each device, sealed ahead as far as told and on demand beyond that. */
function createSource(devices: readonly Device[], { work, perPost }: Load) {
  const ready = new Map<Device, Post[]>(devices.map((device) => [device, []]))
  let turn = 0
  let late = 0
  const make = (device: Device): Post => {
    const asked = Array.from({ length: perPost }, () => sealOne(work, device, turn++))
    const body = postBody(
      device.domain,
      asked.map(({ compact }) => compact),
    )
    return { body, asked }
  }
  return {
    fill(postsEach: number): void {
      const most = Math.ceil(SEALED_MOST / devices.length / perPost)
      for (const [device, posts] of ready) {
        for (let count = 0; count < Math.min(postsEach, most); count += 1) posts.push(make(device))
      }
      late = 0
    },
    next(device: Device): Post {
      const post = ready.get(device)?.pop()
      if (post !== undefined) return post
      late += perPost
      return make(device)
    },
    sealedInside: () => late,
  }
}

type Next = (device: Device) => Post

/** Every device posts until the time is over; what is under way then is waited for and counted. */
async function postAll(
  devices: readonly Device[],
  load: Load,
  next: Next,
): Promise<readonly Answered[]> {
  const answered: Answered[] = []
  const startMs = performance.now()
  const isOver = () =>
    performance.now() - startMs >= load.seconds * 1000 ||
    answered.length * load.perPost >= (load.most ?? Number.POSITIVE_INFINITY)
  const everyMs =
    load.postsPerSecond === undefined ? 0 : (devices.length * 1000) / load.postsPerSecond
  const postOf = async (device: Device, index: number): Promise<void> => {
    let dueMs = startMs + (everyMs * index) / devices.length
    while (!isOver()) {
      if (everyMs > 0) await untilMs(dueMs)
      if (isOver()) return
      const post = next(device)
      // A paced post counts from when it was due: one that had to wait for its turn was slow, not absent.
      const postedMs = everyMs > 0 ? dueMs : performance.now()
      const arrivals = await device.post(post.body, post.asked.length)
      const one = { device, post, postedMs, arrivals }
      answered.push(load.clients === 'ready' ? one : { ...one, latenciesMs: latencies(one, load) })
      dueMs += everyMs
    }
  }
  await Promise.all(devices.map(postOf))
  return answered
}

function untilMs(dueMs: number): Promise<void> {
  const leftMs = dueMs - performance.now()
  return leftMs <= 0 ? Promise.resolve() : new Promise((resolve) => setTimeout(resolve, leftMs))
}

/** Every answer is opened, judged and matched to its request; each request is answered once. */
function latencies({ device, post, postedMs, arrivals }: Answered, { work }: Load): number[] {
  const asked = new Map(post.asked.map((sealed) => [sealed.requestId, sealed]))
  const found = arrivals.map(({ atMs, compact }) => {
    asked.delete(judge(work, device, { compact, asked }))
    return atMs - postedMs
  })
  if (asked.size > 0) throw new Error(`${asked.size} requests were not answered.`)
  return found
}

function mean(figures: readonly number[]): number {
  return figures.reduce((sum, figure) => sum + figure, 0) / Math.max(1, figures.length)
}
