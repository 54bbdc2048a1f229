// Which deaths are tried, and how many: as many as time allows and a few in any case, spread evenly over all of them, two
// realms at a time. KEYREALM_EVERY_CRASH=1 tries every one and takes its time.

export const isExhaustive = process.env['KEYREALM_EVERY_CRASH'] === '1'
const EVERYTHING_MS = 3_600_000
const LANES = 2
/** Some points are never come to; on a slow machine, too, there are to be enough deaths. */
const ATTEMPTS_PER_DEATH = 3

export interface Effort {
  /** How long each test may go on starting new realms. */
  readonly budgetMs: number
  /** Fewer deaths than this prove nothing. */
  readonly least: number
}

/** Attempts in parallel lanes until they are through or time is up; answers what came of them. */
export const attemptAll = async <One, Came>(
  attempts: readonly One[],
  { budgetMs, least }: Effort,
  attempt: (one: One) => Promise<Came>,
): Promise<readonly Came[]> => {
  const until = performance.now() + (isExhaustive ? EVERYTHING_MS : budgetMs)
  const came: Came[] = []
  const queue = shuffled(attempts)[Symbol.iterator]()
  const lane = async (): Promise<void> => {
    for (const one of queue) {
      if (performance.now() > until && came.length >= least * ATTEMPTS_PER_DEATH) return
      came.push(await attempt(one))
    }
  }
  await Promise.all(Array.from({ length: LANES }, lane))
  return came
}

/** Every point, or `most` of them spread evenly, the first and the last always among them. */
export const spread = (points: number, most: number): readonly number[] => {
  if (points <= most) return Array.from({ length: points }, (_, point) => point)
  const chosen = Array.from({ length: most }, (_, n) => Math.round((n * (points - 1)) / (most - 1)))
  return [...new Set(chosen)]
}

/** In an order that is spread over the whole from its beginning, and the same every time. */
const shuffled = <One>(all: readonly One[]): readonly One[] => {
  const step = coprime(all.length)
  return all
    .map((_one, index) => all[(index * step) % all.length])
    .filter((one) => one !== undefined)
}

const coprime = (length: number): number => {
  const greatestDivisor = (a: number, b: number): number =>
    b === 0 ? a : greatestDivisor(b, a % b)
  let step = Math.max(1, Math.round(length * 0.618))
  while (greatestDivisor(step, length) > 1) step += 1
  return step
}
