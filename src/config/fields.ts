// The kinds of setting there are: each builder asks for the meaning, and numbers for unit and range.
// It refuses to guess: nothing is trimmed, lower-cased or coerced from text to number.

import { isAbsolute, resolve } from 'node:path'
import { z } from 'zod'
import { parseOrganizationId } from '../id.ts'

interface NumberRange {
  readonly unit: string
  readonly min: number
  readonly max: number
  readonly byDefault: number
}

/** A whole number with a unit, a range and a default. */
export const whole = (meaning: string, { unit, min, max, byDefault }: NumberRange) =>
  z.int().min(min).max(max).default(byDefault).meta({ description: meaning, unit })

const NAME_MAX_CHARS = 256

/** One line of text that is not empty. */
export const text = (meaning: string) =>
  z
    .string()
    .min(1)
    .max(NAME_MAX_CHARS)
    .regex(/^\P{Cc}+$/u, 'must be one line without control characters')
    .meta({ description: meaning })

const HOST_LABEL = '[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?'
const DOMAIN = new RegExp(`^${HOST_LABEL}(?:\\.${HOST_LABEL})*$`)

/** A host name in lower case, as it stands in certificates and in `kms://` URIs. */
export const domain = (meaning: string) =>
  z
    .string()
    .max(253)
    .regex(DOMAIN, 'must be a host name in lower case')
    .meta({ description: meaning })

const HOST = /^[A-Za-z0-9.:-]{1,253}$/

/** A host name or IP address to listen on or to connect to. */
export const host = (meaning: string) =>
  z.string().regex(HOST, 'must be a host name or an IP address').meta({ description: meaning })

export const port = (meaning: string, byDefault: number) =>
  whole(meaning, { unit: 'TCP port', min: 1, max: 65_535, byDefault })

const LOOPBACK = /^(?:127(?:\.\d{1,3}){3}|::1|localhost)$/

/** Does this host name mean this machine and nothing else? */
export const isLoopback = (hostName: string): boolean => LOOPBACK.test(hostName)

const urlFor = (meaning: string, scheme: string) =>
  z
    .string()
    .max(2048)
    .refine((raw) => isPlainUrl(raw, scheme), {
      error: `must be a ${scheme}//… URL without user, password or fragment`,
    })
    .meta({ description: meaning, format: 'uri' })

const isPlainUrl = (raw: string, scheme: string): boolean => {
  const url = URL.parse(raw)
  return (
    url !== null &&
    url.protocol === scheme &&
    url.username === '' &&
    url.password === '' &&
    !raw.includes('#')
  )
}

export const httpsUrl = (meaning: string) => urlFor(meaning, 'https:')

/** HTTPS, or plain HTTP to this machine. */
export const webUrl = (meaning: string) =>
  z
    .string()
    .max(2048)
    .refine((raw) => isPlainUrl(raw, 'https:') || isLocalUrl(raw), {
      error:
        'must be an https://… URL without user, password or fragment; http:// on loopback only',
    })
    .meta({ description: meaning, format: 'uri' })

const isLocalUrl = (raw: string): boolean =>
  isPlainUrl(raw, 'http:') && isLoopback(new URL(raw).hostname.replace(/^\[|\]$/g, ''))

export const webSocketUrl = (meaning: string) => urlFor(meaning, 'wss:')

export const organizationId = (meaning: string) =>
  z
    .string()
    .meta({ description: meaning, format: 'uuid' })
    .transform((raw, check) => {
      const id = parseOrganizationId(raw)
      if (id !== undefined) return id
      check.issues.push({ code: 'custom', message: 'must be a UUID in lower case', input: '' })
      return z.NEVER
    })

/** Builds path settings; a relative path counts from the folder of the settings file. */
export const pathIn = (folder: string) => (meaning: string) =>
  z
    .string()
    .min(1)
    .max(4096)
    .refine((raw) => !raw.includes('\0'), { error: 'must not contain a zero byte' })
    .meta({ description: meaning, unit: 'path' })
    .transform((raw) => (isAbsolute(raw) ? raw : resolve(folder, raw)))

/** Where a secret is: in a private file, or in a credential that systemd hands over. */
export type SecretSource = { readonly file: string } | { readonly credential: string }

const CREDENTIAL_NAME = /^[A-Za-z0-9_.@-]{1,255}$/

/** Builds secret settings. The settings file names secrets and never holds one. */
export const secretIn = (folder: string) => (meaning: string) =>
  z
    .strictObject({
      file: pathIn(folder)('A file that only its owner can read.').exactOptional(),
      credential: z
        .string()
        .regex(CREDENTIAL_NAME, 'must be the name of a systemd credential')
        .refine((name) => name !== '.' && name !== '..', { error: 'must be a file name' })
        .meta({ description: 'Name of a systemd credential (LoadCredential=).' })
        .exactOptional(),
    })
    .meta({ description: meaning, minProperties: 1, maxProperties: 1 })
    .transform((raw, check): SecretSource => {
      if (raw.file !== undefined && raw.credential === undefined) return { file: raw.file }
      if (raw.credential !== undefined && raw.file === undefined) {
        return { credential: raw.credential }
      }
      check.issues.push({
        code: 'custom',
        message: 'must name a file or a credential, never both and never neither',
        input: '',
      })
      return z.NEVER
    })
