// Sealed messages on their way to the realm: those of the same moment go in one post, 50 at most.
// It retries nothing: whoever waits for an answer does that, under a new requestId.

import type { ClientClock } from './clock.ts'
import { ClientError } from './errors.ts'
import { type HttpClient, isSuccess } from './http.ts'

export interface Outbox {
  /**
   * Resolves once the core took the message, or may have. Rejects `client.core-refused` where trying again
   * is of no use: the core understood and said no.
   */
  post(compact: string): Promise<void>
  /** At once and alone. */
  postAlone(compact: string): Promise<void>
}

export interface OutboxSettings {
  readonly http: HttpClient
  /** `{encryption}/kms/messages` */
  readonly url: string
  /** `kms://HOST` */
  readonly destination: string
  readonly clock: ClientClock
}

export const MESSAGES_PER_POST = 50
const GATHER_MS = 5
/** Answers after which a later try may do better. */
const PASSING: ReadonlySet<number> = new Set([408, 425, 429])

interface Waiting {
  readonly compact: string
  readonly settle: (outcome: Promise<void>) => void
}

export const createOutbox = ({ http, url, destination, clock }: OutboxSettings): Outbox => {
  let gathered: Waiting[] = []
  let cancelFlush: (() => void) | undefined

  const send = async (kmsMessages: readonly string[]): Promise<void> => {
    const answer = await http
      .send('POST', url, { destination, kmsMessages })
      .catch(ignoreUnreachable)
    if (answer === undefined || isSuccess(answer.status) || mayPass(answer.status)) return
    throw new ClientError('client.core-refused', 'kms/messages', answer.status)
  }

  const flush = (): void => {
    cancelFlush?.()
    cancelFlush = undefined
    const batch = gathered
    gathered = []
    if (batch.length === 0) return
    const outcome = send(batch.map(({ compact }) => compact))
    for (const { settle } of batch) settle(outcome)
  }

  return {
    post: (compact) =>
      new Promise((resolve) => {
        gathered.push({ compact, settle: resolve })
        if (gathered.length >= MESSAGES_PER_POST) flush()
        else cancelFlush ??= clock.after(GATHER_MS, flush)
      }),
    postAlone: (compact) => send([compact]),
  }
}

function mayPass(status: number): boolean {
  return status >= 500 || PASSING.has(status)
}

/** Nobody knows whether the post arrived; the answer, or its absence, will tell. */
function ignoreUnreachable(error: unknown): undefined {
  if (error instanceof ClientError && error.code === 'client.unreachable') return undefined
  throw error
}
