// Entries to lay out: one of each kind that a realm records, encoded as the recorder encodes them.

import { type Act, encodeEntry, type NumberedEntry } from '../../../../src/audit/index.ts'
import { instant } from '../../../../src/time.ts'

const PLACE = {
  realm: 'acme',
  node: 'node-1.example',
  boot: '0b8f6a3e-51c7-4d92-a6be-3f7d20c9e114',
  counter: 1,
  time: instant(1_767_225_600_123),
}

export const PSEUDONYM = '11111111-51c7-4d92-a6be-3f7d20c9e115'

export const anEntry = (act: Partial<Act> = {}, sequence = 7): NumberedEntry => ({
  sequence,
  body: encodeEntry(
    {
      action: 'key.released',
      outcome: 'done',
      actor: { kind: 'person', id: PSEUDONYM },
      method: 'retrieve',
      type: 'KEY',
      uri: '/keys/1',
      requestId: 'request-1',
      clientId: 'https://core.example/devices/1',
      session: 'kms://kms.acme.example/ecdhe/1',
      trackingId: 'client_1_2',
      keys: ['kms://kms.acme.example/keys/1', 'kms://kms.acme.example/keys/2'],
      sizeBytes: 120,
      durationMs: 3,
      ...act,
    },
    PLACE,
  ),
})

export const aDoingOfTheRealm: NumberedEntry = {
  sequence: 8,
  body: encodeEntry(
    { action: 'realm.locked', outcome: 'done', actor: { kind: 'system' }, type: 'MAIN_KEY' },
    PLACE,
  ),
}

export const TIME = '2026-01-01T00:00:00.123Z'
