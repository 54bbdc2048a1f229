// Reading JSON that somebody else wrote. Members of the wrong kind are absent, or an invalid answer where needed.

import { ClientError } from './errors.ts'

export type JsonObject = Readonly<Record<string, unknown>>

export const isJsonObject = (raw: unknown): raw is JsonObject =>
  typeof raw === 'object' && raw !== null && !Array.isArray(raw)

/** The object that a text is, or undefined. */
export const parseJsonObject = (text: string): JsonObject | undefined => {
  try {
    const raw: unknown = JSON.parse(text)
    return isJsonObject(raw) ? raw : undefined
  } catch {
    return undefined
  }
}

export const textMember = (from: JsonObject, name: string): string => {
  const value = from[name]
  if (typeof value === 'string') return value
  throw new ClientError('client.invalid-answer', name)
}

export const objectMember = (from: JsonObject, name: string): JsonObject => {
  const value = from[name]
  if (isJsonObject(value)) return value
  throw new ClientError('client.invalid-answer', name)
}

export const listMember = (from: JsonObject, name: string): readonly JsonObject[] => {
  const value = from[name]
  if (Array.isArray(value) && value.every(isJsonObject)) return value
  throw new ClientError('client.invalid-answer', name)
}

export const textListMember = (from: JsonObject, name: string): readonly string[] => {
  const value = from[name]
  if (Array.isArray(value) && value.every((item) => typeof item === 'string')) return value
  throw new ClientError('client.invalid-answer', name)
}
