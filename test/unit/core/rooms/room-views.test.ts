import assert from 'node:assert/strict'
import { test } from 'node:test'
import { isExternal, toPerson } from '../../../../src/core/rooms/room-views.ts'
import type { ParticipantRow } from '../../../../src/core/store/store.ts'

const somebody = (change: Partial<ParticipantRow> = {}): ParticipantRow => ({
  id: '0b8f6a3e-51c7-4d92-a6be-3f7d20c9e114',
  isModerator: false,
  email: null,
  organizationId: 'one',
  kind: 'person',
  ...change,
})

test('machine accounts are listed as what they are', () => {
  assert.equal(toPerson(somebody({ kind: 'machine' })).type, 'MACHINE')
  assert.equal(toPerson(somebody()).type, 'PERSON')
  assert.equal(toPerson(somebody({ kind: null })).type, 'PERSON')
})

test('a room is external once two organisations are known to be in it', () => {
  assert.equal(isExternal([somebody(), somebody({ organizationId: null })]), false)
  assert.equal(isExternal([somebody(), somebody({ organizationId: 'two' })]), true)
  assert.equal(isExternal([]), false)
})
