// Where we are against the aims, from what the sections kept. It states and does not judge: the bench succeeds
// whatever the figures are, since a shared machine must not be able to fail a build.
import type { Findings } from './bench.ts'
import type { Point } from './measure.ts'
import { number, percent } from './report.ts'
import type { HandshakesFound, Interference } from './sections/handshakes.ts'
import type { Comparison } from './sections/retrievals.ts'
import { ratio } from './statistics.ts'

const RETRIEVALS_AIM = 0.5
const HANDSHAKES_AIM = 0.7
const P99_AIM = 3

interface Kept {
  readonly 'retrievals SQLite'?: readonly Comparison[]
  readonly 'retrievals PostgreSQL'?: readonly Comparison[]
  readonly handshakes?: HandshakesFound
  readonly interference?: readonly Interference[]
}

export function sayAims({ title, say, kept }: Findings): void {
  // The sections' own words, kept a moment ago by this very process.
  const found = kept as Kept
  title('Against the aims')
  for (const compared of [found['retrievals SQLite'], found['retrievals PostgreSQL']]) {
    for (const one of busiest(compared ?? [])) say(retrievalLine(one))
  }
  if (found.handshakes !== undefined) for (const line of handshakeLines(found.handshakes)) say(line)
  for (const one of found.interference ?? []) {
    say(
      `p99 beside a flood of handshakes, ${one.pace} load: ${number(one.p99Ratio)} times quiet ` +
        `(aim at most ${P99_AIM}): ${one.p99Ratio <= P99_AIM ? 'there' : 'not there'}.`,
    )
  }
}

/** One line for one request a post and one for many: where most devices ask. */
function busiest(compared: readonly Comparison[]): readonly Comparison[] {
  const groups = Map.groupBy(compared, ({ retrieval }) => retrieval.perPost)
  return [...groups.values()].flatMap((some) => some.slice(-1))
}

function retrievalLine({
  store,
  ofBare,
  ofTls,
  ofBareByCpu,
  retrieval,
  working,
}: Comparison): string {
  const verdict = ofBare >= RETRIEVALS_AIM ? 'there' : 'not there'
  return (
    `Retrievals on ${store}, ${retrieval.devices} devices, ${retrieval.perPost} a post: ${percent(ofBare)} of the ` +
    `ceiling (aim ${percent(RETRIEVALS_AIM)}): ${verdict}; ` +
    `${percent(ofBareByCpu)} by CPU time, ${percent(ofTls)} of the ceiling over HTTPS; ` +
    `${percent(working.ofBare)} where clients seal and open as they go. ` +
    heldBackBy(retrieval)
  )
}

function handshakeLines({ handshakes, limits }: HandshakesFound): readonly string[] {
  return limits.map(({ processes, handshakesPerSecond }) => {
    const share = ratio(handshakes.perSecond, handshakesPerSecond)
    const verdict = share >= HANDSHAKES_AIM ? 'there' : 'not there'
    return (
      `Handshakes: ${percent(share)} of the RSA limit of ${processes} busy ` +
      `${processes === 1 ? 'processor' : 'processors'} (aim ${percent(HANDSHAKES_AIM)}): ${verdict}. ` +
      heldBackBy(handshakes)
    )
  })
}

/** Where the processors' time went, largest part first. */
function heldBackBy(point: Point): string {
  const total = Object.values(point.cpuMicros).reduce((sum, micros) => sum + micros, 0)
  const parts = Object.entries(point.cpuMicros)
    .toSorted(([, a], [, b]) => b - a)
    .map(([name, micros]) => `${name} ${percent(micros / total)}`)
  const busy = (total * point.perSecond) / 1e6
  return `CPU: ${parts.join(', ')}; together ${number(busy)} processors busy, others took ${number(point.elsewhere)}.`
}
