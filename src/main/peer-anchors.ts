// Which anchors hold for a domain, as the files say it now, for whoever asks beside a running server.

import type { Settings } from '../config/index.ts'
import type { PeerDomain } from '../federation/index.ts'
import type { Row } from './beside.ts'
import { type LoadedTrust, readTrustFiles } from './carrier-files.ts'

const loaded = (settings: Settings): LoadedTrust | undefined => {
  try {
    const { carrier } = settings.federation
    return carrier && readTrustFiles(carrier).load()
  } catch {
    return undefined
  }
}

/** A row for each anchor: its SHA-256, and whether it holds for every domain or for this one alone. None without a way to peers. */
export const anchorRows = (settings: Settings, domain: PeerDomain): readonly Row[] => {
  if (settings.federation.carrier === undefined) return []
  const found = loaded(settings)
  if (found === undefined) return [['anchor', '-', 'unusable', 'the folder cannot be relied upon']]
  const { scope, sha256 } = found.trust.anchorsOf(domain)
  const whys = found.problems.filter((one) => one.domain === domain).map(({ why }) => why)
  return scope === 'unusable'
    ? whys.map((why) => ['anchor', '-', scope, why])
    : sha256.map((one) => ['anchor', one, scope])
}

/** Is this the row of an anchor that the operator has tied to the domain? */
export const isTied = ([, , scope]: Row): boolean => scope !== 'every-domain'
