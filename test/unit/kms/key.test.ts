import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { bindTo } from '../../../src/kms/key.ts'
import { after, seconds } from '../../../src/time.ts'
import { aBoundKey, anUnboundKey, NOW, OTHER_RESOURCE, RESOURCE_URI } from './world.ts'

const LATER = after(NOW, seconds(5))

describe('binding', () => {
  test('gives an unbound key its resource and time, and takes its bind-by time', () => {
    const unbound = anUnboundKey()
    const { state: _state, bindBy: _bindBy, ...rest } = unbound
    assert.deepEqual(bindTo(unbound, RESOURCE_URI, LATER), {
      ...rest,
      state: 'bound',
      boundAt: LATER,
      resourceUri: RESOURCE_URI,
    })
    assert.equal(unbound.state, 'unbound', 'what was given is not changed')
  })

  test('leaves a bound key as it is: there is no way back and no second resource', () => {
    const bound = aBoundKey()
    assert.equal(bindTo(bound, OTHER_RESOURCE, LATER), bound)
    assert.equal(bindTo(bound, RESOURCE_URI, LATER), bound)
  })
})
