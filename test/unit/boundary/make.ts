// Frames that are good, for tests to change in one place.

import {
  type AnswersFrame,
  type HelloFrame,
  LINK_VERSION,
  type MessagesFrame,
  type StateFrame,
} from '../../../src/boundary/index.ts'

export const USER = '0b8f6a3e-51c7-4d92-a6be-3f7d20c9e114'
export const JWK = {
  kty: 'RSA',
  kid: 'kms://kms.acme.example/statickeys/7214',
  n: 'sXch',
  e: 'AQAB',
  x5c: ['MIID+/=='],
}
export const DETAILS = {
  kmsCluster: 'kms://kms.acme.example',
  rsaPublicKey: JSON.stringify(JWK),
}
export const HELLO: HelloFrame = {
  type: 'hello',
  version: LINK_VERSION,
  domain: 'kms.acme.example',
  organizationIds: ['5f1d7c52-4d0e-4a57-9c8b-0a6e3b1f2ac1'],
  state: 'ready',
  details: DETAILS,
}
export const STATE: StateFrame = { type: 'state', state: 'locked', details: DETAILS }
export const MESSAGES: MessagesFrame = {
  type: 'messages',
  id: 'r-81',
  sync: false,
  httpUser: USER,
  httpDevice: 'https://core.example/wdm/api/v1/devices/5b1c',
  trackingId: 'js_1',
  kmsMessages: ['a.b.c.d.e', ''],
}
export const ANSWER = {
  n: 0,
  deliverTo: 'https://core.example/wdm/api/v1/devices/5b1c',
  kmsMessage: 'a..c.d.e',
  clear: { status: 201, resourceUri: 'kms://kms.acme.example/resources/0d9a' },
}
export const ANSWERS_PART: AnswersFrame = {
  type: 'answers',
  id: 'r-81',
  answers: [ANSWER],
  more: true,
}
export const ANSWERS: AnswersFrame = { type: 'answers', id: 'r-81', answers: [ANSWER] }
