// Clock, names, and everybody whom the realm will dial: the core, identity providers, the proxy on the way.

import { readNamedText, type Settings } from '../../config/index.ts'
import type { ProbeAnswer } from '../../links/index.ts'
import { proxyOf } from '../proxy.ts'
import type { Finding, Means } from './finding.ts'

const read = (file: string | undefined): string | undefined => {
  try {
    return file === undefined ? undefined : readNamedText(file)
  } catch {
    // `files` says so.
    return undefined
  }
}

/** Before this program was written: no clock is right that says so. */
const WRITTEN_AT = Date.parse('2026-11-01T00:00:00Z')

export const checkClock = async (settings: Settings, means: Means): Promise<readonly Finding[]> => {
  if (means.now() < WRITTEN_AT) {
    return [
      {
        check: 'clock.implausible',
        level: 'error',
        what: `the clock says ${new Date(means.now()).toISOString()}, which is before this program was made`,
        why: 'certificates, tokens and the audit log are judged by this clock',
        remedy: 'timedatectl set-ntp true, then timedatectl status',
      },
    ]
  }
  const findings = settings.identity.issuers.map(async (issuer): Promise<readonly Finding[]> => {
    const { issuer: url, tlsCaFile, clockSkewSeconds } = issuer
    const date = await means.dateOf({ url, caPem: read(tlsCaFile), ...proxyOf(settings) })
    if (date === undefined) return [noProvider(url)]
    const offSeconds = Math.round((means.now() - date) / 1000)
    // Dates have whole seconds, and an answer takes a moment.
    if (Math.abs(offSeconds) <= clockSkewSeconds + 2) return []
    return [
      {
        check: 'clock.off',
        level: 'error',
        what: `this clock is ${offSeconds} s off from ${url}; ${clockSkewSeconds} s are allowed`,
        why: 'tokens of its people would be refused as expired or not yet valid',
        remedy:
          'timedatectl set-ntp true on this machine; or look at the provider’s clock. identity.issuers[].clockSkewSeconds takes up to 300 s',
      },
    ]
  })
  return (await Promise.all(findings)).flat()
}

const noProvider = (url: string): Finding => ({
  check: 'provider.unreachable',
  level: 'warning',
  what: `${url} does not answer over HTTPS, or its certificate is not trusted`,
  why: 'nobody can sign in while it is out of reach',
  remedy: `curl -v ${url}/.well-known/openid-configuration; set identity.issuers[].tlsCaFile to its authority`,
})

const hostOf = (url: string): string => new URL(url).hostname.replace(/^\[|\]$/g, '')

/** Who is found by name, and by which setting. Through a proxy only the proxy’s own name matters. */
const namesOf = (settings: Settings): readonly (readonly [string, string])[] => {
  const { core, identity, store, proxy, audit } = settings
  const outbound: readonly (readonly [string, string])[] = [
    ['core.linkUrl', hostOf(core.linkUrl)],
    ...identity.issuers.map(({ issuer }) => ['identity.issuers', hostOf(issuer)] as const),
    ...(audit.witnesses?.list ?? []).map(({ url }) => ['audit.witnesses', hostOf(url)] as const),
  ]
  const local = store.kind === 'postgres' && !store.host.startsWith('/') ? [store.host] : []
  return [
    ...(proxy === undefined ? outbound : [['proxy.url', hostOf(proxy.url)] as const]),
    ...local.map((host) => ['store.host', host] as const),
  ]
}

export const checkNames = async (settings: Settings, means: Means): Promise<readonly Finding[]> => {
  const unknown = await Promise.all(
    namesOf(settings).map(async ([setting, host]) => {
      const isKnown = await means.resolves(host)
      return isKnown ? [] : [{ setting, host }]
    }),
  )
  return unknown.flat().map(({ setting, host }) => ({
    check: 'dns.unresolved',
    level: 'error',
    what: `${host} (${setting}) has no address`,
    why: 'the realm dials it by this name',
    remedy: `getent hosts ${host}; correct ${setting}, /etc/resolv.conf or /etc/hosts`,
  }))
}

const PROBED: Readonly<Record<Exclude<ProbeAnswer, 'answers'>, Omit<Finding, 'what'>>> = {
  unreachable: {
    check: 'core.unreachable',
    level: 'warning',
    why: 'without the line to the core no client reaches the realm',
    remedy: 'open the firewall outwards to that port, or set proxy; then run this again',
  },
  untrusted: {
    check: 'core.untrusted',
    level: 'error',
    why: 'the realm speaks to nobody whom core.tlsCaFile does not vouch for',
    remedy:
      'ask the core’s operator for the authority of its link port, and put it into core.tlsCaFile',
  },
  'links.proxy-unreachable': {
    check: 'proxy.unreachable',
    level: 'error',
    why: 'everything outbound goes through it',
    remedy: 'correct proxy.url; for an https: proxy set proxy.tlsCaFile',
  },
  'links.proxy-credentials': {
    check: 'proxy.credentials',
    level: 'error',
    why: 'everything outbound goes through it',
    remedy: 'set proxy.user and proxy.password to what the proxy’s operator gave you',
  },
  'links.proxy-refused': {
    check: 'proxy.refused',
    level: 'error',
    why: 'the line to the core goes through it',
    remedy: 'have the proxy allow CONNECT to that host and port, or put the host into proxy.except',
  },
}

export const checkCore = async (settings: Settings, means: Means): Promise<readonly Finding[]> => {
  const { linkUrl, tlsCaFile } = settings.core
  const host = hostOf(linkUrl)
  const port = Number(new URL(linkUrl).port || 443)
  const ca = read(tlsCaFile)
  const trust = ca === undefined ? {} : { ca }
  const answer = await means.probe({ host, port, ...trust, ...proxyOf(settings) })
  if (answer === 'answers') return []
  return [
    {
      ...PROBED[answer],
      what: `the way to the core, ${host}:${port}: ${answer.replace('links.', '')}`,
    },
  ]
}
