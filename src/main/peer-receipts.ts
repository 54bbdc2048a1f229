// `keyrealm peers receipts` and `keyrealm peers reconcile`: what a peer has signed for, and both logs side by side.

import type { CliOutput, PeerReceiptsOptions, PeerReconcileOptions } from '../admin/index.ts'
import { openStatement, type PeerDifference, reconcilePeers } from '../audit/index.ts'
import { type PeerDomain, parsePeerDomain } from '../federation/index.ts'
import { noteDigest, type PeerReceipt } from '../kms/index.ts'
import { toRfc3339 } from '../time.ts'
import type { Realm } from './assembly.ts'
import { besideAsFound, DONE } from './beside.ts'
import { CommandError } from './command-error.ts'
import { recordUse } from './reading.ts'
import { ofExport, ofRealm } from './reconcile-log.ts'

const PAGE = 500
const DIFFERENT = 4

const domainOf = ({ domain }: PeerReceiptsOptions): PeerDomain => {
  const parsed = parsePeerDomain(domain)
  if (parsed !== undefined) return parsed
  throw new CommandError('main.invalid-domain', 'a peer is named by its domain, in lower case')
}

type Kept = Omit<PeerReceipt, 'vkey'>

/** Kept verified; whoever exports them verifies them again. */
const lineOf = (one: Kept, logKeys: readonly string[], isJson: boolean): string => {
  const { kind, position, note, receivedAt } = one
  const at = toRfc3339(receivedAt)
  if (isJson) return JSON.stringify({ kind, position, receivedAt: at, note, logKeys })
  const opened = logKeys.flatMap((vkey) => openStatement({ note, vkey }) ?? [])[0]
  const keys = opened?.entries.reduce((sum, entry) => sum + entry.keys.length, 0)
  const what = keys === undefined ? 'does not verify' : `${keys} keys`
  return [kind, `entry ${position}`, at, what, noteDigest(note)].join('\t')
}

const printAll = async (
  { store }: Realm,
  domain: PeerDomain,
  print: (one: Kept, logKeys: readonly string[]) => void,
): Promise<void> => {
  const logKeys = await store.read((tx) => tx.receipts.keysOf(domain))
  let last: Kept | undefined
  for (;;) {
    const after = last === undefined ? {} : { after: last }
    const page = await store.read((tx) => tx.receipts.of(domain, { ...after, limit: PAGE }))
    for (const one of page) print(one, logKeys)
    last = page.at(-1)
    if (page.length < PAGE) return
  }
}

export const runPeerReceipts = (options: PeerReceiptsOptions, output: CliOutput): Promise<number> =>
  besideAsFound(options.config, async (realm) => {
    const domain = domainOf(options)
    await recordUse(realm.ledger, 'peer.receipts-read', { peer: domain })
    const isJson = options.json === true
    await printAll(realm, domain, (one, keys) => output.out(`${lineOf(one, keys, isJson)}\n`))
    return DONE
  })

const WORDS: Readonly<Record<PeerDifference['what'], string>> = {
  given: 'gave, and the other never got',
  came: 'got, and the other never gave',
  used: 'used, and the other was never told',
  told: 'was told of, and the other never used',
}

const differenceLine = ({ what, by, key, entry }: PeerDifference): string =>
  [by, WORDS[what], key, ...(entry === undefined ? [] : [`entry ${entry}`])].join('\t')

export const runPeerReconcile = (
  options: PeerReconcileOptions,
  output: CliOutput,
): Promise<number> =>
  besideAsFound(options.config, async (realm) => {
    const domain = domainOf(options)
    await recordUse(realm.ledger, 'peer.reconciled', { peer: domain })
    const isJson = options.json === true
    const found = await reconcilePeers(
      { domain: realm.kms.domain, read: ofRealm(realm) },
      { domain, read: ofExport(options.theirs) },
      (one) => output.out(`${isJson ? JSON.stringify(one) : differenceLine(one)}\n`),
    )
    const totals = [
      `releases of which both say the same\t${found.agreed}`,
      `keys whose use was told\t${found.usesTold}`,
      `differences\t${found.differences}`,
    ]
    for (const line of isJson ? [JSON.stringify(found)] : totals) output.out(`${line}\n`)
    return found.differences === 0 ? DONE : DIFFERENT
  })
