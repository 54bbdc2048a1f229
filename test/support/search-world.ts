// What tests of search need of a running world: an account that may index, and knowing when everything is indexed.

import { setTimeout } from 'node:timers/promises'
import { letIndex as grantIndex } from '../../scripts/dev/world/prepare.ts'
import type { Found } from '../../src/client/index.ts'
import type { RunningWorld } from './running-world.ts'

const POLL_MS = 50
const PATIENCE_MS = 30_000

/** Lets the realm's indexer read every room. */
export const letIndex = ({ acme }: RunningWorld): Promise<void> => grantIndex(acme)

/** The sum of a metric over all labels that contain `label`. */
const metric = (page: string, name: string, label = ''): number =>
  page
    .split('\n')
    .filter((line) => line.startsWith(name) && line.includes(label))
    .reduce((sum, line) => sum + Number(line.slice(line.lastIndexOf(' ') + 1)), 0)

/** How many messages this process of the realm has indexed, and how many lists the core has not acknowledged. */
export const indexing = async (world: RunningWorld) => {
  const { body } = await world.page(world.acme.healthPort, '/metrics')
  return {
    indexed: metric(body, 'realm_indexer_messages_total', 'indexed'),
    waiting: metric(body, 'realm_indexer_waiting_lists_count'),
    lag: metric(body, 'realm_indexer_lag_count'),
  }
}

/** Asks again until it is so. */
export const until = async (
  isSo: () => Promise<boolean>,
  patienceMs = PATIENCE_MS,
): Promise<void> => {
  const end = Date.now() + patienceMs
  while (!(await isSo())) {
    if (Date.now() > end) throw new Error('It does not become so.')
    await setTimeout(POLL_MS)
  }
}

/** Texts of all pages. */
export const allTexts = async (first: Promise<Found>): Promise<readonly string[]> => {
  const texts: string[] = []
  for (let page: Found | undefined = await first; page !== undefined; page = await page.next?.()) {
    texts.push(...page.hits.map(({ parts }) => parts.map(({ text }) => text).join('\n')))
  }
  return texts
}
