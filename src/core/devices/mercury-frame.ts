// What clients say on their Mercury socket. Members that real clients add are ignored, and so are kinds of
// frames not known here; what is no JSON object of fair form is no frame.

export type MercuryFrame =
  | { readonly type: 'authorization'; readonly authorization: string }
  | { readonly type: 'ping'; readonly id: string }
  | { readonly type: 'ack'; readonly messageId: string }
  | { readonly type: 'other' }

const ID_MAX_CHARS = 256

const isId = (raw: unknown): raw is string => typeof raw === 'string' && raw.length <= ID_MAX_CHARS

const members = (raw: unknown): ReadonlyMap<string, unknown> | undefined =>
  typeof raw === 'object' && raw !== null && !Array.isArray(raw)
    ? new Map(Object.entries(raw))
    : undefined

/** A client's text frame, or undefined for noise. */
export const parseMercuryFrame = (text: string): MercuryFrame | undefined => {
  const frame = members(parse(text))
  const type = frame?.get('type')
  if (frame === undefined || typeof type !== 'string') return undefined
  if (type === 'authorization') {
    const authorization = members(frame.get('data'))?.get('token')
    return typeof authorization === 'string' ? { type, authorization } : undefined
  }
  if (type === 'ping') {
    const id = frame.get('id')
    return isId(id) ? { type, id } : undefined
  }
  if (type === 'ack') {
    const messageId = frame.get('messageId')
    return isId(messageId) ? { type, messageId } : undefined
  }
  return { type: 'other' }
}

const parse = (text: string): unknown => {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}
