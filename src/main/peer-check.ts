// `keyrealm peers check`: a dry run against another realm, done by the running appliance, which alone has the way to it.

import type { CliOutput, PeerReceiptsOptions } from '../admin/index.ts'
import { loadSettings } from '../config/index.ts'
import { systemRandom } from '../crypto/index.ts'
import { checkPeer, type PeerCheck, parsePeerDomain } from '../federation/index.ts'
import { askAdmin } from './ask-admin.ts'
import { type Realm, record } from './assembly.ts'
import { DONE, FAILED, printRows } from './beside.ts'
import type { Carrier } from './carrier.ts'
import { CommandError } from './command-error.ts'
import { policyOf } from './federation.ts'

export const runCheck = async (
  realm: Realm,
  way: Pick<Carrier, 'peers' | 'trust'> | undefined,
  raw: string,
): Promise<PeerCheck | 'admin.federation-off' | 'admin.not-a-domain'> => {
  const domain = parsePeerDomain(raw)
  const { carrier } = realm.settings.federation
  if (domain === undefined) return 'admin.not-a-domain'
  if (way === undefined || carrier === undefined) return 'admin.federation-off'
  const known = (await realm.store.read((tx) => tx.peers.find([domain]))).get(domain)
  const check = await checkPeer(
    {
      ...{ domain: realm.kms.domain, policy: policyOf(realm), link: way.peers, now: realm.now },
      random: systemRandom,
      elapsedMs: () => performance.now(),
      isBlocked: known?.blockedAt !== undefined,
      isRevocationRequired: carrier.requireCrl,
      anchors: way.trust().anchorsOf(domain),
    },
    domain,
  )
  const bad = check.findings.find(({ verdict }) => verdict === 'bad')
  await record(realm, {
    action: 'peer.checked',
    outcome: check.isGood ? 'done' : 'refused',
    actor: { kind: 'system' },
    type: 'DIRECTORY',
    ...(bad?.code === undefined ? {} : { code: bad.code }),
    details: { peer: domain, ...(bad === undefined ? {} : { step: bad.step }) },
  })
  return check
}

type Finding = Readonly<Record<string, unknown>>
const isFinding = (raw: unknown): raw is Finding => typeof raw === 'object' && raw !== null

export const checkCommand = async (
  { config, domain, json }: PeerReceiptsOptions,
  output: CliOutput,
): Promise<number> => {
  const check = await askAdmin(loadSettings(config), 'POST', 'peers/check', { domain })
  const { findings, isGood } = check
  if (!Array.isArray(findings)) throw new CommandError('main.not-understood', 'no such answer')
  if (json === true) output.out(`${JSON.stringify(check)}\n`)
  else {
    const rows = findings
      .filter(isFinding)
      .map(({ step, verdict, code, found, fix }) => [
        ...[`${step}`, `${verdict}`, `${found ?? '-'}`, `${code ?? '-'}`, `${fix ?? '-'}`],
      ])
    printRows([['step', 'verdict', 'found', 'code', 'what to do'], ...rows], output)
  }
  return isGood === true ? DONE : FAILED
}
