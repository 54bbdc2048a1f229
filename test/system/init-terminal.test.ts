// `keyrealm init` and its neighbours as a person at a terminal meets them: defaults by Enter, a wrong answer asked again,
// no passphrase shown, Ctrl-C that leaves nothing, and progress for those who watch.

import assert from 'node:assert/strict'
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, beforeEach, describe, it } from 'node:test'
import { setTimeout as pause } from 'node:timers/promises'
import { good, keyrealm, makeRealm } from '../support/made-realm.ts'
import { ARROW_UP, CTRL_C, CTRL_D, ENTER, hasTerminals, onTerminal } from '../support/terminal.ts'
import { CHAIN_PEM, DOMAIN } from '../support/world.ts'

/** What writes a line over. */
const CLEARED = '\r\u001b[K'
const PASSPHRASE = 'typed-and-not-shown-7c41'
const folder = mkdtempSync(join(tmpdir(), 'keyrealm terminal-'))
after(() => rmSync(folder, { recursive: true, force: true }))

let home: string
let config: string
beforeEach(() => {
  home = mkdtempSync(join(folder, 'home-'))
  config = join(home, 'appliance.json')
  writeFileSync(join(home, 'core-ca.pem'), CHAIN_PEM)
})

type Step = readonly [shown: string, typed: string]

/** What has no default, and Enter for all that has one. */
const answers = (changes: Readonly<Record<string, string>> = {}): readonly Step[] => {
  const said: readonly Step[] = [
    ['Domain of the realm', DOMAIN],
    ['What people call it', ''],
    ['Id of your organisation', ''],
    ['Identity provider', 'https://id.acme.example'],
    ['The aud of tokens', ''],
    ['The core’s address', 'wss://core.example/link'],
    ['The authority that vouches', 'core-ca.pem'],
    ['Client certificate on the line', ''],
    ['Database', ''],
    ['Passphrase of the realm', ''],
    ['Recovery recipient', ''],
    ['The realm’s certificate', ''],
  ]
  return said.map(([shown, typed]) => [shown, changes[shown] ?? typed])
}

const begin = (steps: readonly Step[]) => {
  const terminal = onTerminal('init', '--config', config)
  const answered = async (): Promise<void> => {
    for (const [shown, typed] of steps) {
      await terminal.shows(shown)
      await terminal.shows(': ')
      terminal.type(typed + ENTER)
    }
  }
  return { ...terminal, answered }
}

const settings = () => JSON.parse(readFileSync(config, 'utf8'))
const isUntouched = (): boolean => readdirSync(home).join() === 'core-ca.pem'

const skip = hasTerminals ? false : 'script(1) is missing'

describe('init on a terminal', { skip, timeout: 300_000 }, () => {
  it('takes Enter for each default, and the realm is made', async () => {
    const { answered, end } = begin(answers())
    await answered()
    const { code, screen } = await end()
    assert.equal(code, 0, screen)
    assert.match(screen, /initialized kms\.acme\.example\r\nnext: /)
    assert.equal(settings().realm.name, DOMAIN)
    assert.equal(settings().identity.issuers[0].audience, `https://${DOMAIN}`)
    assert.match(screen, new RegExp(`UUID\\) \\[${settings().realm.organizations[0].id}\\]: `))
  })

  it('asks again after each answer that does not fit, and says why', async () => {
    const wrong: readonly (readonly [string, string, string])[] = [
      ['Domain of the realm', 'KMS.Acme', 'must be a host name in lower case'],
      ['Domain of the realm', '', 'is needed'],
      ['Id of your organisation', '17', 'must be a UUID in lower case'],
      ['Identity provider', 'http://id.acme.example', 'must be a https://… URL'],
      ['The core’s address', 'https://core.example', 'must be a wss://… URL'],
      ['The authority that vouches', 'none.pem', `${join(home, 'none.pem')} is none`],
      ['The authority that vouches', '.', `${home} is none`],
      ['Database', 'mysql://x@y/z', 'url'],
      ['Recovery recipient', 'bob', 'must be an age recipient'],
      ['The realm’s certificate', 'magic', 'must be one of request, pem, pkcs12'],
    ]
    const { shows, type, end } = begin([])
    for (const [question, typed] of answers()) {
      await shows(question)
      for (const [, answer, why] of wrong.filter(([asked]) => asked === question)) {
        await shows(': ')
        type(answer + ENTER)
        await shows(`  An answer `)
        await shows(why)
        await shows(question)
      }
      await shows(': ')
      type(typed + ENTER)
    }
    const { code, screen } = await end()
    assert.equal(code, 0, screen)
  })

  it('takes answers that are pasted at once', async () => {
    const { shows, type, end } = begin([])
    await shows('Domain of the realm')
    type(
      answers()
        .map(([, typed]) => typed + ENTER)
        .join(''),
    )
    const { code, screen } = await end()
    assert.equal(code, 0, screen)
    assert.equal(settings().realm.domain, DOMAIN)
  })

  it('asks for a passphrase twice, shows none of it, and knows it again', async () => {
    const { answered, shows, type, end } = begin(answers({ 'Passphrase of the realm': 'typed' }))
    await answered()
    for (const [prompt, typed] of [
      ['New passphrase: ', ''],
      ['It must not be empty.', ''],
      ['New passphrase: ', PASSPHRASE],
      ['Again: ', `${PASSPHRASE}x`],
      ['These were not the same.', ''],
      ['New passphrase: ', PASSPHRASE],
      // Nothing that was typed can be fetched back.
      ['Again: ', ARROW_UP],
      ['These were not the same.', ''],
      ['New passphrase: ', PASSPHRASE],
      ['Again: ', PASSPHRASE],
    ] as const) {
      await shows(prompt)
      if (prompt.endsWith(': ')) type(typed + ENTER)
    }
    const { code, screen } = await end()
    assert.equal(code, 0, screen)
    assert.ok(!screen.includes(PASSPHRASE))
    assert.equal(settings().unlock.passphrase, undefined)

    const signing = ['identity', 'import', '--config', config, '--key', 'x', '--chain', 'x']
    const again = onTerminal(...signing)
    await again.shows('Passphrase: ')
    again.type(`not-${PASSPHRASE}${ENTER}`)
    const refused = await again.end()
    assert.equal(refused.code, 1)
    assert.match(refused.screen, /kms\.sealed-file-wrong-passphrase/)
    assert.ok(!refused.screen.includes(PASSPHRASE))
  })

  it('leaves nothing at Ctrl-C and at the end of input, whatever it is asking', async () => {
    const half = answers().slice(0, 5)
    const whole = answers({ 'Passphrase of the realm': 'typed' })
    for (const [steps, asked, keys] of [
      [half, 'The core’s address', CTRL_C],
      [half, 'The core’s address', CTRL_D],
      [whole, 'New passphrase: ', CTRL_C],
    ] as const) {
      const { answered, shows, type, end } = begin(steps)
      await answered()
      await shows(asked)
      type(keys)
      const { code, screen } = await end()
      assert.equal(code, 1)
      assert.match(screen, /keyrealm: interrupted: nothing was done \(main\.interrupted\)/)
      assert.ok(isUntouched(), readdirSync(home).join())
    }
  })

  it('ends what it has begun when Ctrl-C comes after the last answer', async () => {
    const { answered, type, end } = begin(answers())
    await answered()
    for (let left = 6000; left > 0 && !existsSync(config); left--) await pause(5)
    type(CTRL_C)
    const { code, screen } = await end()
    assert.match(screen, /\^C/)
    assert.equal(code, 0, screen)
    assert.match(screen, /initialized kms\.acme\.example/)
    assert.match(await good('audit', 'show', '--config', config), /realm\.unlocked/)
  })
})

describe('progress', { skip }, () => {
  it('is shown on a terminal, taken away at the end, and never seen in a pipe', async () => {
    const realm = await makeRealm()
    after(() => realm.remove())
    const backup = (name: string) => [
      'backup',
      '--config',
      realm.config,
      '--recipient',
      realm.recipient,
      '--out',
      realm.path(name),
    ]
    const { code, screen } = await onTerminal(...backup('watched.age')).end()
    assert.equal(code, 0, screen)
    const shown = screen.lastIndexOf(' MiB written')
    assert.ok(shown > screen.indexOf(CLEARED), screen)
    assert.ok(screen.lastIndexOf(CLEARED) > shown, screen)
    const piped = await keyrealm(...backup('piped.age'))
    assert.equal(piped.error, '')
  })
})
