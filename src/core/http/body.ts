// Reads a request's body: so many bytes, in so much time, and JSON. The stream is read as it comes, so an
// oversized body is refused when its limit is reached and not when it ends.

import type { IncomingMessage } from 'node:http'
import { isProblem, type Problem, problem } from './problem.ts'

export interface BodyLimits {
  readonly bytes: number
  readonly withinMs: number
}

/** A parsed body; boxed, because JSON may hold anything that looks like a Problem. */
export interface Body {
  readonly value: unknown
}

const JSON_TYPE = /^application\/json\s*(?:;|$)/i

export const readJson = async (
  request: IncomingMessage,
  limits: BodyLimits,
): Promise<Body | Problem> => {
  if (!JSON_TYPE.test(request.headers['content-type'] ?? ''))
    return problem('core.wrong-content-type')
  const text = await readText(request, limits)
  if (isProblem(text)) return text
  try {
    return { value: JSON.parse(text.text) }
  } catch {
    return problem('core.body-not-json')
  }
}

const readText = (
  request: IncomingMessage,
  limits: BodyLimits,
): Promise<{ readonly text: string } | Problem> => {
  if (Number(request.headers['content-length'] ?? 0) > limits.bytes) {
    return Promise.resolve(problem('core.body-too-large'))
  }
  return new Promise((resolve) => {
    const chunks: Buffer[] = []
    let size = 0
    const end = (outcome: { readonly text: string } | Problem): void => {
      clearTimeout(timer)
      request.off('data', onData).off('end', onEnd).off('close', onClose).off('error', onClose)
      if (isProblem(outcome)) request.pause()
      resolve(outcome)
    }
    const onData = (chunk: Buffer): void => {
      size += chunk.length
      if (size > limits.bytes) end(problem('core.body-too-large'))
      else chunks.push(chunk)
    }
    const onEnd = (): void => end({ text: Buffer.concat(chunks, size).toString('utf8') })
    const onClose = (): void => end(problem('core.body-not-json'))
    const timer = setTimeout(() => end(problem('core.body-too-slow')), limits.withinMs)
    request.on('data', onData).on('end', onEnd).on('close', onClose).on('error', onClose)
  })
}
