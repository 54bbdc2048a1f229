// Audited retrievals through the whole path, in turns with the ceiling: the same generator, the same messages, answers
// of the same size, and none of our work. Also creations, which have no ceiling.
import { randomBytes } from 'node:crypto'
import { get } from 'node:http'
import { availableParallelism } from 'node:os'
import { resolve } from 'node:path'
import type { Bench } from '../bench.ts'
import { DEVICES } from '../bench.ts'
import type { Clients, Work } from '../generator/orders.ts'
import { best, measure, type Point, rateByCpu, rowOf, servedMicros } from '../measure.ts'
import { freePorts, startProcess } from '../process.ts'
import { number, percent, type Row } from '../report.ts'
import { ratio } from '../statistics.ts'

const SERVER = resolve(import.meta.dirname, '../ceiling-server.ts')

export interface Comparison {
  readonly store: string
  readonly retrieval: Point
  /** Over plain HTTP: nothing but the work that cannot be left out. */
  readonly bare: Point
  /** Over HTTPS, as clients speak to the core. */
  readonly overTls: Point
  /** Ours a second, by the ceiling's. */
  readonly ofBare: number
  readonly ofTls: number
  /** Both again, with clients that seal and open as they go. */
  readonly working: { readonly retrieval: Point; readonly bare: Point; readonly ofBare: number }
  /** The same comparison by the CPU times alone: what others do on the machine hardly moves it. */
  readonly ofBareByCpu: number
}

interface Ceiling {
  readonly pid: number
  readonly httpOrigin: string
  readonly httpsOrigin: string
  readonly keyB64u: string
  stop(): Promise<void>
}

export async function compareRetrievals(bench: Bench, store: string): Promise<void> {
  const { findings, effort } = bench
  findings.title(`Retrievals on ${store}, next to the ceiling`)
  const ceiling = await startCeiling(bench)
  try {
    await openEchoes(bench, ceiling)
    const found: Comparison[] = []
    for (const [devices, perPost] of effort.points) {
      found.push(await compare(bench, { store, devices, perPost, pid: ceiling.pid }))
    }
    findings.table(found.map(ourRow))
    findings.table([
      ...found.map(({ bare }) => rowOf('ceiling, HTTP', bare)),
      ...found.map(({ overTls }) => rowOf('ceiling, HTTPS', overTls)),
    ])
    findings.table(found.map(({ working }) => rowOf('retrieval, clients work', working.retrieval)))
    findings.table(found.map(({ working }) => rowOf('ceiling, HTTP, clients work', working.bare)))
    sayAlso(bench, found)
    findings.keep(`retrievals ${store}`, found)
  } finally {
    await ceiling.stop()
  }
}

function ourRow({ retrieval, ofBare, ofTls, ofBareByCpu, working }: Comparison): Row {
  const shares = {
    'of HTTP': percent(ofBare),
    'by CPU': percent(ofBareByCpu),
    'of HTTPS': percent(ofTls),
    'with clients’ work': percent(working.ofBare),
  }
  return { ...rowOf('retrieval', retrieval), ...shares }
}

interface At {
  readonly store: string
  readonly devices: number
  readonly perPost: number
  readonly pid: number
}

async function compare(bench: Bench, at: At): Promise<Comparison> {
  const { store, devices, perPost, pid } = at
  const { generator, effort, watched } = bench
  const load = { generator, devices, perPost, seconds: effort.seconds }
  const inTurns = async (works: readonly Work[], clients: Clients) => {
    const points: Point[] = []
    for (let round = 0; round < effort.rounds; round += 1) {
      for (const work of works) {
        const processes = work === 'retrieve' ? watched : { ceiling: [pid] }
        points.push(await measure({ ...load, work, clients, watched: processes }))
      }
    }
    return works.map((work) => best(points.filter((point) => point.work === work)))
  }
  const ready = await inTurns(['echo-http', 'retrieve', 'echo-https'], 'ready')
  const working = await inTurns(['echo-http', 'retrieve'], 'working')
  return compared(store, ready, working)
}

function compared(
  store: string,
  [bare, retrieval, overTls]: readonly Point[],
  [workingBare, workingRetrieval]: readonly Point[],
): Comparison {
  if (!bare || !retrieval || !overTls || !workingBare || !workingRetrieval) {
    throw new Error('Something was not measured.')
  }
  const processors = availableParallelism()
  return {
    ...{ store, retrieval, bare, overTls },
    ofBare: ratio(retrieval.perSecond, bare.perSecond),
    ofTls: ratio(retrieval.perSecond, overTls.perSecond),
    ofBareByCpu: ratio(rateByCpu(retrieval, processors), rateByCpu(bare, processors)),
    working: {
      retrieval: workingRetrieval,
      bare: workingBare,
      ofBare: ratio(workingRetrieval.perSecond, workingBare.perSecond),
    },
  }
}

function sayAlso({ findings }: Bench, compared: readonly Comparison[]): void {
  const [first] = compared
  if (first === undefined) return
  const size = ({ requestChars, answerChars }: Point) =>
    `${number(requestChars)} characters asked, ${number(answerChars)} answered`
  findings.say(`Sealed: ours ${size(first.retrieval)}; ceiling ${size(first.bare)}.`)
  for (const { retrieval, bare, overTls } of compared) {
    findings.say(
      `CPU of a message, ${retrieval.devices} devices, ${retrieval.perPost} a post, generator aside: ` +
        `ours ${number(servedMicros(retrieval))} µs, ceiling ${number(servedMicros(bare))} µs (HTTP), ` +
        `${number(servedMicros(overTls))} µs (HTTPS).`,
    )
  }
}

async function openEchoes({ generator, world }: Bench, ceiling: Ceiling): Promise<void> {
  const [as] = world.issuer.people(1)
  if (as === undefined) throw new Error('Nobody is there to ask.')
  const { caFile, domain } = world.cloud
  const { keyB64u, httpOrigin, httpsOrigin } = ceiling
  await generator.openEchoes({
    ...{ keyB64u, as, domain, count: DEVICES },
    ...{ httpOrigin, httpsOrigin, caFile },
  })
}

async function startCeiling({ world }: Bench): Promise<Ceiling> {
  const [httpPort = 0, httpsPort = 0] = await freePorts(2)
  const keyB64u = randomBytes(32).toString('base64url')
  const { certificateFile, keyFile } = world.tls
  const ports = [String(httpPort), String(httpsPort)]
  const running = await startProcess({
    name: 'ceiling server',
    command: [SERVER, ...ports, certificateFile, keyFile, keyB64u],
    logFile: `${world.folder}/logs/ceiling.log`,
    isReady: () => answers(httpPort),
  })
  return {
    ...running,
    keyB64u,
    httpOrigin: `http://127.0.0.1:${httpPort}`,
    httpsOrigin: `https://127.0.0.1:${httpsPort}`,
  }
}

function answers(port: number): Promise<boolean> {
  return new Promise((settle, reject) => {
    get({ host: '127.0.0.1', port, path: '/readyz', agent: false }, (answer) => {
      answer.resume()
      settle(answer.statusCode === 200)
    }).on('error', reject)
  })
}

export async function measureCreations(bench: Bench, store: string): Promise<void> {
  const { findings, effort, generator, watched } = bench
  findings.title(`Key creations on ${store}`)
  const points: Point[] = []
  for (const [devices, perPost] of effort.creationPoints) {
    const load = { generator, work: 'create', devices, perPost, seconds: effort.seconds } as const
    points.push(await measure({ ...load, watched }))
  }
  findings.table(points.map((point) => rowOf('creation', point)))
  findings.keep(`creations ${store}`, points)
}
