// The rows of the admin API: address → action. Parses what comes in, prints what goes out, and leaves
// the decision and the audit entry to the action.

import type { AdminActions } from '../admin/index.ts'
import { parseUserId } from '../id.ts'
import type { AdminAnswer, AdminRoute } from './admin.ts'
import { entriesToJson, parsePage } from './page.ts'

export const adminRoutes = (actions: AdminActions): readonly AdminRoute[] => [
  {
    method: 'GET',
    path: '/admin/v1/status',
    answer: async () => ({ json: await actions.status() }),
  },
  {
    method: 'POST',
    path: '/admin/v1/lock',
    answer: async () => {
      await actions.lock()
      return { json: { state: 'locked' } }
    },
  },
  { method: 'POST', path: '/admin/v1/unlock', answer: oneAtATime(unlock(actions)) },
  {
    method: 'GET',
    path: '/admin/v1/audit/entries',
    answer: async ({ query }) => {
      const page = parsePage(query)
      if (page === undefined) return { problem: 'http.invalid-query' }
      return { json: entriesToJson(await actions.auditEntries(page)) }
    },
  },
  { method: 'POST', path: '/admin/v1/audit/erase', answer: oneAtATime(erase(actions)) },
  {
    method: 'GET',
    path: '/admin/v1/audit/shipping',
    answer: async () => ({ json: { destinations: await actions.shipStatus() } }),
  },
  { method: 'POST', path: '/admin/v1/peers/check', answer: oneAtATime(checkPeer(actions)) },
  {
    method: 'POST',
    path: '/admin/v1/identity/reload',
    answer: async () => {
      await actions.reloadIdentity()
      return { json: { state: 'reloaded' } }
    },
  },
]

type Answer = AdminRoute['answer']

/** Trying a passphrase costs much memory and time on purpose: one try at a time. */
const oneAtATime = (answer: Answer): Answer => {
  let isBusy = false
  return async (request) => {
    if (isBusy) return { problem: 'http.too-many-requests' }
    isBusy = true
    try {
      return await answer(request)
    } finally {
      isBusy = false
    }
  }
}

const UNLOCK_ANSWERS = {
  unlocked: { json: { state: 'ready' } },
  'wrong-passphrase': { problem: 'admin.wrong-passphrase' },
  'already-unlocked': { problem: 'admin.already-unlocked' },
} as const satisfies Readonly<Record<string, AdminAnswer>>

const unlock =
  (actions: AdminActions): Answer =>
  async ({ body }) => {
    const passphrase = parsePassphrase(body)
    body.fill(0)
    if (passphrase === undefined) return { problem: 'http.malformed-body' }
    try {
      return UNLOCK_ANSWERS[await actions.unlock(passphrase)]
    } finally {
      passphrase.fill(0)
    }
  }

const PASSPHRASE_MAX_BYTES = 1024

/** `{"passphrase": "…"}` and nothing else. The text in between cannot be wiped in JavaScript. */
const parsePassphrase = (body: Uint8Array): Uint8Array | undefined => {
  const raw = parseJson(body)
  if (typeof raw !== 'object' || raw === null || !('passphrase' in raw)) return undefined
  const { passphrase, ...others } = raw
  if (typeof passphrase !== 'string' || Object.keys(others).length > 0) return undefined
  const bytes = new TextEncoder().encode(passphrase)
  return bytes.length > 0 && bytes.length <= PASSPHRASE_MAX_BYTES ? bytes : undefined
}

/** `{"userId": "…"}` and nothing else. */
const erase =
  (actions: AdminActions): Answer =>
  async ({ body }) => {
    const raw = parseJson(body)
    if (typeof raw !== 'object' || raw === null || !('userId' in raw)) {
      return { problem: 'http.malformed-body' }
    }
    const userId = parseUserId(raw.userId)
    if (userId === undefined || Object.keys(raw).length > 1) {
      return { problem: 'http.malformed-body' }
    }
    const outcome = await actions.erase(userId)
    return typeof outcome === 'string' ? { problem: outcome } : { json: outcome }
  }

/** `{"domain": "…"}` and nothing else. */
const checkPeer =
  (actions: AdminActions): Answer =>
  async ({ body }) => {
    const raw = parseJson(body)
    const isAlone = typeof raw === 'object' && raw !== null && Object.keys(raw).length === 1
    if (!isAlone || !('domain' in raw) || typeof raw.domain !== 'string') {
      return { problem: 'http.malformed-body' }
    }
    const outcome = await actions.checkPeer(raw.domain)
    return typeof outcome === 'string' ? { problem: outcome } : { json: outcome }
  }

const parseJson = (body: Uint8Array): unknown => {
  try {
    return JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(body))
  } catch (error) {
    if (error instanceof SyntaxError || error instanceof TypeError) return undefined
    throw error
  }
}
