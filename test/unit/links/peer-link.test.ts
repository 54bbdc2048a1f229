// Questions and answers between two realms through the core: who is proven, what is recorded, how connections live.

import assert from 'node:assert/strict'
import { afterEach, describe, test } from 'node:test'
import { isRefusal } from '../../../src/refusal.ts'
import { ACME, codeOf, domainOf, GLOBEX, makePeerWorld, until } from '../../support/peer-world.ts'

type World = Awaited<ReturnType<typeof makePeerWorld>>
const worlds: World[] = []
const open = async (...wishes: Parameters<typeof makePeerWorld>): Promise<World> => {
  const world = await makePeerWorld(...wishes)
  worlds.push(world)
  return world
}
afterEach(() => {
  for (const world of worlds.splice(0)) world.close()
})

describe('a question to a peer', () => {
  test('is answered through the core, with what TLS proved on both sides', async () => {
    const { acme, globex } = await open()
    const reply = await acme.ask(GLOBEX, { n: 1 })
    assert.ok(!isRefusal(reply), JSON.stringify(reply))
    assert.deepEqual([reply.status, reply.body], [200, { echo: { n: 1 } }])
    assert.equal(reply.connection.tlsGroup, 'X25519MLKEM768')
    assert.equal(reply.connection.carrier, 'relayed')
    assert.match(reply.connection.certificateSha256, /^[0-9a-f]{64}$/)
    const [asked] = globex.asked
    assert.deepEqual(asked, {
      from: ACME,
      request: { path: '/federation/v1/requests', body: { n: 1 }, trackingId: 'T-1' },
      group: 'X25519MLKEM768',
    })
  })

  test('and many on few connections, in both directions', async () => {
    const { acme, globex } = await open()
    const there = Array.from({ length: 40 }, (_, n) => acme.ask(GLOBEX, { n }))
    const back = Array.from({ length: 40 }, (_, n) => globex.ask(ACME, { n }))
    for (const [n, reply] of (await Promise.all([...there, ...back])).entries()) {
      assert.deepEqual(isRefusal(reply) ? reply : reply.body, { echo: { n: n % 40 } })
    }
    assert.ok(acme.link.connections <= 4 && acme.server.connections <= 4)
  })

  test('of a size beyond every window is carried whole', async () => {
    const { acme } = await open({ globex: { server: { bodyBytes: 2 * 1024 * 1024 } } })
    const text = 'k'.repeat(600_000)
    const reply = await acme.ask(GLOBEX, { text })
    assert.equal(codeOf(reply), 'answered')
    assert.ok(
      !isRefusal(reply) && JSON.stringify(reply.body) === JSON.stringify({ echo: { text } }),
    )
  })

  test('goes directly where there is an address, by the same rules', async () => {
    const { globex, core, papers, anchors } = await open()
    const listener = await globex.listen()
    const { makeRealm } = await import('../../support/peer-world.ts')
    const direct = new Map([[GLOBEX as string, listener]])
    const near = makeRealm({ core, domain: ACME, leaf: papers.acme.leaf, anchors, direct })
    const reply = await near.ask(GLOBEX)
    assert.ok(!isRefusal(reply), JSON.stringify(reply))
    assert.deepEqual(
      [reply.connection.carrier, reply.connection.tlsGroup, globex.asked[0]?.group],
      ['direct', 'X25519MLKEM768', 'X25519MLKEM768'],
    )
    assert.equal(core.seen.length, 0)
    near.close()
    listener.close()
  })

  test('where post-quantum is required by one side is answered if the other can', async () => {
    const { acme } = await open({ globex: { isPostQuantumRequired: true } })
    assert.equal(codeOf(await acme.ask(GLOBEX)), 'answered')
  })
})

describe('connections to a peer', () => {
  test('that died unnoticed cost one retry, and the question is answered', async () => {
    const { acme, globex } = await open()
    await acme.ask(GLOBEX)
    acme.cutLine()
    globex.cutLine()
    assert.equal(codeOf(await acme.ask(GLOBEX)), 'federation.peer-unreachable')
    acme.dialAgain()
    globex.dialAgain()
    assert.equal(codeOf(await acme.ask(GLOBEX)), 'answered')
  })

  test('that fall silent are found by a ping, and by the next question at half its time', async () => {
    const { acme, core } = await open({ acme: { link: { answerWithinMs: 600 } } })
    await acme.ask(GLOBEX)
    let isSilent = true
    const silenced = new Set<number>()
    core.tamper = (message) => {
      const id = new DataView(message.buffer, message.byteOffset).getUint32(1)
      if (isSilent) silenced.add(id)
      return silenced.has(id) ? undefined : message
    }
    const answer = acme.ask(GLOBEX, { again: true })
    await until(() => silenced.size > 0)
    isSilent = false
    assert.equal(codeOf(await answer), 'answered')

    const pinged = await open({ acme: { link: { pingEveryMs: 20, pingWithinMs: 20 } } })
    await pinged.acme.ask(GLOBEX)
    assert.equal(pinged.acme.link.connections, 1)
    pinged.core.tamper = () => undefined
    await until(() => pinged.acme.link.connections === 0)
  })

  test('that nobody needs are closed on both sides', async () => {
    const { acme, globex, core } = await open({
      acme: { link: { pingEveryMs: 10, idleMs: 20, pingWithinMs: 500 } },
    })
    await acme.ask(GLOBEX)
    await until(() => acme.link.connections === 0 && globex.server.connections === 0)
    await until(() => core.relay.open === 0)
    assert.equal(acme.streams.count + globex.streams.count, 0)
  })

  test('show a renewed certificate from then on', async () => {
    const { acme, globex, papers } = await open()
    const first = await acme.ask(GLOBEX)
    const next = await papers.globex.issuer.issue({ names: [{ type: 'dns', value: GLOBEX }] })
    globex.renew(next)
    globex.hangUp()
    await until(() => acme.link.connections === 0)
    const second = await acme.ask(GLOBEX)
    assert.ok(!isRefusal(first) && !isRefusal(second))
    assert.notEqual(first.connection.certificateSha256, second.connection.certificateSha256)
  })
})

describe('a question is refused', () => {
  test('within a second to whom nobody knows, to whom is away, and to ourselves', async () => {
    const { acme, globex } = await open()
    globex.cutLine()
    for (const [to, code] of [
      [domainOf('kms.nobody.example'), 'federation.unknown-host'],
      [GLOBEX, 'federation.peer-unreachable'],
      [ACME, 'federation.peer-unreachable'],
    ] as const) {
      const since = performance.now()
      assert.equal(codeOf(await acme.ask(to)), code)
      assert.ok(performance.now() - since < 1000)
    }
  })

  test('in time, by a peer that answers late', async () => {
    const late = Promise.withResolvers<{ status: number; body: unknown }>()
    const { acme } = await open({
      acme: { link: { answerWithinMs: 300 } },
      globex: { serve: () => late.promise },
    })
    const since = performance.now()
    assert.equal(codeOf(await acme.ask(GLOBEX)), 'federation.peer-timed-out')
    assert.ok(performance.now() - since < 1000)
    late.resolve({ status: 200, body: {} })
  })

  test('when too many wait for one peer', async () => {
    const late = Promise.withResolvers<{ status: number; body: unknown }>()
    const { acme } = await open({
      acme: { link: { questionsPerPeer: 2 } },
      globex: { serve: () => late.promise },
    })
    const waiting = [acme.ask(GLOBEX), acme.ask(GLOBEX)]
    assert.equal(codeOf(await acme.ask(GLOBEX)), 'federation.peer-busy')
    late.resolve({ status: 200, body: {} })
    assert.deepEqual((await Promise.all(waiting)).map(codeOf), ['answered', 'answered'])
  })

  test('for an answer that is too long, and for one that is not JSON as we read it', async () => {
    const { acme } = await open({
      acme: { link: { answerMaxBytes: 1000 } },
      globex: {
        serve: async (_peer, { body }) =>
          body === 1
            ? { status: 200, body: 'x'.repeat(2000) }
            : { status: 200, body: JSON.parse('['.repeat(20) + ']'.repeat(20)) },
      },
    })
    assert.equal(codeOf(await acme.ask(GLOBEX, 1)), 'federation.answer-too-large')
    assert.equal(codeOf(await acme.ask(GLOBEX, 2)), 'federation.answer-malformed')
  })

  test('for a question that a peer will not read', async () => {
    const { acme } = await open({ globex: { server: { bodyBytes: 100 } } })
    const status = async (body: unknown, path?: string) => {
      const reply = await acme.ask(GLOBEX, body, path)
      return isRefusal(reply) ? reply.refused : reply.status
    }
    assert.equal(await status('x'.repeat(200)), 413)
    assert.equal(await status({}, '/admin/v1/status'), 404)
  })
})
