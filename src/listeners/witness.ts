// The witness's one call (C2SP tlog-witness) on the log's listener, where settings name logs to witness. Whoever
// asks is nobody: what counts is who signed the checkpoint.

import type { AddCheckpoint } from '../audit/index.ts'
import { type ListenerApp, refuseOtherMethods } from './app.ts'
import { problem } from './problem.ts'

const PATH = '/witness/add-checkpoint'

const responseTo = (answer: AddCheckpoint): Response => {
  if ('refused' in answer) return problem(`witness.${answer.refused}`)
  if ('conflict' in answer) {
    const headers = { 'content-type': 'text/x.tlog.size' }
    return new Response(`${answer.conflict.knownSize}\n`, { status: 409, headers })
  }
  const headers = { 'content-type': 'text/plain; charset=utf-8' }
  return new Response(answer.cosignatures, { headers })
}

/** `POST /witness/add-checkpoint` */
export const serveWitness = (
  app: ListenerApp,
  addCheckpoint: (raw: string) => Promise<AddCheckpoint>,
): void => {
  app.post(PATH, async (asked) => responseTo(await addCheckpoint(await asked.req.text())))
  refuseOtherMethods(app, PATH, 'POST')
}
