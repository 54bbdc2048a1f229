// Parameters of a query: numbers within bounds, moments, and yes or no. Real clients send many that are not read.

import { parseRfc3339 } from '../../time.ts'
import type { Call } from '../http/http.ts'
import { type Problem, problem } from '../http/problem.ts'

type Query = Pick<Call, 'query'>

export interface Bounds {
  readonly least: number
  readonly most: number
  readonly standard: number
}

/** A whole number, or a Problem that names the parameter. */
export const numberIn = ({ query }: Query, name: string, bounds: Bounds): number | Problem => {
  const raw = query(name)
  if (raw === undefined) return bounds.standard
  const value = raw === '' ? Number.NaN : Number(raw)
  const isFit = Number.isInteger(value) && value >= bounds.least && value <= bounds.most
  return isFit ? value : problem('core.body-invalid', name)
}

/** Milliseconds since 1970, sent as a number or as a date. */
export const momentIn = ({ query }: Query, name: string): number | Problem | undefined => {
  const raw = query(name)
  if (raw === undefined) return undefined
  const moment = /^\d{1,15}$/.test(raw) ? Number(raw) : parseRfc3339(raw)
  return moment ?? problem('core.body-invalid', name)
}

/** Asked for unless the client says that it is not. */
export const isWanted = ({ query }: Query, name: string): boolean => query(name) !== 'false'
