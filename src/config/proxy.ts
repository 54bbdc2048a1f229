// The HTTP proxy that everything outbound goes through, where an organisation lets nothing out directly. Credentials in
// the URL are refused: the settings name secrets and hold none.

import { z } from 'zod'
import { pathIn, secretIn, text } from './fields.ts'

const isProxyUrl = (raw: string): boolean => {
  const url = URL.parse(raw)
  const isHttp = url?.protocol === 'http:' || url?.protocol === 'https:'
  return isHttp && url?.username === '' && url.password === '' && url.pathname === '/'
}

const exception = z
  .string()
  .max(253)
  .regex(/^\.?[a-z0-9.:-]+$/, 'must be a host in lower case, or .domain')
  .meta({ description: 'A host, or `.domain` for everything below it.' })

export const proxy = (folder: string) =>
  z
    .strictObject({
      url: z
        .string()
        .max(2048)
        .refine(isProxyUrl, { error: 'must be http://host:port or https://host:port and no more' })
        .meta({ description: 'Where it is: `http://host:port`, or `https://` for TLS to it.' }),
      user: text('Who signs in to it.').exactOptional(),
      password: secretIn(folder)('With which password.').exactOptional(),
      tlsCaFile: pathIn(folder)(
        'Authorities to trust for an `https:` proxy (PEM); the system’s unless told.',
      ).exactOptional(),
      except: z
        .array(exception)
        .max(100)
        .default([])
        .meta({ description: 'Hosts that are reached without it.' }),
    })
    .refine(({ user, password }) => (user === undefined) === (password === undefined), {
      error: 'needs user and password, or neither',
      path: ['user'],
    })
    .meta({
      description:
        'HTTP proxy for the core, identity providers, witnesses, peers and syslog over TCP or TLS. Databases and syslog over UDP are reached directly.',
    })
