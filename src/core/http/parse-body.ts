// A body against its schema: the value, or a Problem that names the first member at fault. Schemas are strict:
// a member nobody expects is refused rather than dropped, so nothing is stored or skipped by accident.

import type { z } from 'zod'
import type { Body } from './body.ts'
import { isProblem, type Problem, problem } from './problem.ts'

/** The value of a body that fits, boxed. */
export interface Parsed<Value> {
  readonly value: Value
}

export const parseBody = <Value>(
  schema: z.ZodType<Value>,
  body: Body | Problem,
): Parsed<Value> | Problem => {
  if (isProblem(body)) return body
  const parsed = schema.safeParse(body.value)
  if (parsed.success) return { value: parsed.data }
  const [issue] = parsed.error.issues
  const path = issue?.path.map(String) ?? []
  if (issue?.code === 'unrecognized_keys') path.push(issue.keys[0] ?? '')
  if (path.includes('kmsMessage')) return problem('core.kms-message-not-supported')
  return problem('core.body-invalid', toAbout(path))
}

/** Names of members may come from the caller too: they are repeated only if they look like names. */
const toAbout = (path: readonly string[]): string => {
  const about = path.join('.')
  return /^[A-Za-z0-9_.-]{1,100}$/.test(about) ? about : 'body'
}

/** A request without a body says nothing in particular. */
export const orEmpty = (body: Body | Problem): Body | Problem =>
  isProblem(body) && body.problem === 'core.wrong-content-type' ? { value: {} } : body
