// Smallest settings that load: valid by default, one change per test.

export const aSettingsValue = () => ({
  realm: {
    name: 'Acme',
    domain: 'kms.acme.example',
    stateDirectory: 'state',
    organizations: [{ id: '6f1c1d0e-3a52-4c6e-9a3b-1f2d3c4b5a69', name: 'Acme Ltd' }],
  },
  store: { kind: 'sqlite', file: 'realm.sqlite' },
  unlock: { sealedFile: 'main-key.sealed' },
  identity: { issuers: [{ issuer: 'https://id.example', audience: 'realm' }] },
  core: {
    linkUrl: 'wss://core.example/link',
    tlsCaFile: 'ca.pem',
    certificateFile: 'link.pem',
    keyFile: 'link.key',
  },
})

type Path = readonly (string | number)[]

/** A copy with one member set, whatever stood there. */
export const changed = (value: unknown, [head, ...rest]: Path, to: unknown): unknown => {
  if (head === undefined) return to
  if (Array.isArray(value)) {
    return value.map((entry, index) => (index === head ? changed(entry, rest, to) : entry))
  }
  const members = typeof value === 'object' && value !== null ? value : {}
  const old: unknown = Object.entries(members).find(([name]) => name === head)?.[1]
  return { ...members, [head]: changed(old, rest, to) }
}
