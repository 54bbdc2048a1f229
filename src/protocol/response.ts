// Typed answer → JSON text (draft §4.6.2, §4.6.3). Member order is fixed; `requestId` is echoed verbatim.

import type { Verdict } from './status.ts'

export interface Response {
  readonly status: number
  readonly requestId: string
  readonly members?: Readonly<Record<string, unknown>>
}

export const printResponse = (response: Response): string =>
  JSON.stringify({ status: response.status, requestId: response.requestId, ...response.members })

/** `status` and `reason` (draft §4.6.3). Without a requestId if none could be read. */
export const printRefusal = (verdict: Verdict, requestId: string | undefined): string =>
  JSON.stringify(requestId === undefined ? verdict : { ...verdict, requestId })
