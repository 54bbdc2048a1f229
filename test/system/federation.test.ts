// Two appliances federate, as processes of their own, through one core.

import { after, before } from 'node:test'
import { type RunningWorld, startRunningWorld } from '../support/running-world.ts'
import { federatedTests } from './federated.ts'

let world: RunningWorld

before(async () => {
  world = await startRunningWorld({ globex: () => ({}) })
})
after(() => world.close())

federatedTests(() => world, 'relayed')
