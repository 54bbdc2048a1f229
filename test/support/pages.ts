// The operator's page and the auditor's page, done on some machine: every line of their blocks in order, as it stands. What
// people put between the lines (who they are, what their authorities sign) comes from the world that the realm is to serve.

import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { KMS_RESOURCE } from '../../scripts/dev/openid/resources.ts'
import { signRequest } from './authority.ts'
import type { RunningWorld } from './running-world.ts'

const ROOT = join(import.meta.dirname, '../..')

/** Paths are the page's. */
export interface PageMachine {
  /** What the line printed; throws unless it succeeds. */
  line(line: string): Promise<string>
  read(path: string): string
  write(path: string, text: string): void
}

export type Told = ReadonlyMap<string, string>

type Block = readonly [language: string, text: string]

const blocksOf = (page: string): readonly Block[] =>
  [...readFileSync(join(ROOT, page), 'utf8').matchAll(/^```(\w+)\n(.*?)^```$/gms)].map(
    ([, language = '', text = '']) => [language, text],
  )

const ANSWERS = '/etc/keyrealm/answers.json'
const CORE_CA = '/etc/keyrealm/core-ca.pem'
const PROVIDER_CA = '/etc/keyrealm/provider-ca.pem'

/** The page's answers, for an enterprise whose core and provider are this world's. */
const answer = (text: string, { machine, world, listeners }: Reader): void => {
  const answers = JSON.parse(text)
  const { settings } = answers
  const { acme, plan } = world
  assert.equal(settings.realm.domain, acme.domain)
  settings.realm.organizations = [{ id: acme.id, name: 'Acme Ltd' }]
  settings.core.linkUrl = plan.core.linkUrl
  const { issuer } = plan.identityProvider
  const provider = { issuer, audience: KMS_RESOURCE, tlsCaFile: PROVIDER_CA }
  settings.identity.issuers = [provider]
  if (listeners !== undefined) settings.listeners = listeners
  const authority = readFileSync(world.certificates.tlsCaFile, 'utf8')
  machine.write(CORE_CA, authority)
  machine.write(PROVIDER_CA, authority)
  machine.write(ANSWERS, JSON.stringify(answers))
}

const SIGNING = '# your authority signs'

/** What the enterprise and the core's operator do between two lines. */
const sign = async ({ machine, world: { plan } }: Reader): Promise<void> => {
  const authority = (name: string) => ({
    certificatePem: readFileSync(join(plan.certificates, `${name}.pem`), 'utf8'),
    keyPem: readFileSync(join(plan.certificates, `${name}-key.pem`), 'utf8'),
  })
  const requests = [
    ['identity', 'identity.pem', authority('realms/acme/identity-ca')],
    ['link', 'link-signed.pem', authority('tls-ca')],
  ] as const
  for (const [request, signed, by] of requests) {
    const pem = await signRequest(machine.read(`/var/lib/keyrealm/${request}.csr`), by)
    machine.write(`/etc/keyrealm/${signed}`, pem)
  }
}

export interface Reader {
  readonly machine: PageMachine
  readonly world: RunningWorld
  /** Other ports than those that every realm has. */
  readonly listeners?: unknown
}

/** What each line of the page printed. */
export const follow = async (page: string, reader: Reader): Promise<Told> => {
  const told = new Map<string, string>()
  for (const [language, text] of blocksOf(page)) {
    if (language === 'json') {
      answer(text, reader)
      continue
    }
    for (const line of text.trim().split('\n')) {
      if (line.startsWith(SIGNING)) await sign(reader)
      else told.set(line, await reader.machine.line(line))
    }
  }
  return told
}

const said = (told: Told, part: string): string => {
  const [, text] = [...told].find(([line]) => line.includes(part)) ?? []
  assert.ok(text !== undefined, `no line has ${part}`)
  return text
}

/** It promises a realm that nothing keeps from starting, that is ready, and whose backup is good. */
export const assertOperated = (told: Told): void => {
  assert.match(said(told, ' preflight '), /^0 errors/m)
  assert.match(said(told, ' status '), /state\t"ready"/)
  assert.match(said(told, ' rehearse-restore '), /^good\ttrue$/m)
}

/** Two people exchange an encrypted message through the realm that came about. */
export const assertServed = async (world: RunningWorld): Promise<void> => {
  const [alice, bob] = await Promise.all([world.client('alice'), world.client('bob')])
  const room = await alice.rooms.create({ title: 'Lunch', participantIds: [bob.userId] })
  await alice.rooms.post(room.id, 'Soup?')
  const read = await bob.rooms.history(room.id)
  assert.deepEqual(
    read.map(({ text }) => text),
    ['Soup?'],
  )
}

/** It promises verdicts: a verifier that finds anything ends with another code than 0. */
export const assertAudited = (told: Told): void => {
  const verdicts = [...told.keys()].filter((line) => line.startsWith('node verifier/'))
  assert.equal(verdicts.length, 3)
  const [first = ''] = said(told, 'backup.written').split('\n')
  assert.equal(JSON.parse(first).entry.action, 'backup.written')
}
