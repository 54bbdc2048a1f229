// Whether a text really answers a query, and where: shown by marking what was found in the text as it came.

import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { finderOf } from '../../../src/words/index.ts'

/** The text with what was found in brackets; undefined if it does not answer. */
const marked = (query: string, text: string): string | undefined => {
  const spans = finderOf(query, 'english')(text)
  if (spans === undefined) return undefined
  let from = 0
  let shown = ''
  for (const { start, end } of spans) {
    shown += `${text.slice(from, start)}[${text.slice(start, end)}]`
    from = end
  }
  return shown + text.slice(from)
}

const found: readonly (readonly [string, string, string])[] = [
  ['run', 'He was RUNNING, then runs.', 'He was [RUNNING], then [runs].'],
  ['key room', 'The room has keys; the key fits.', 'The [room] has [keys]; the [key] fits.'],
  ['strasse', 'Große Straße 5', 'Große [Straße] 5'],
  ['final', 'the ﬁnal answer', 'the [ﬁnal] answer'],
  ['istanbul', 'to İSTANBUL!', 'to [İSTANBUL]!'],
  ['café', 'a cafe\u0301 there', 'a [cafe\u0301] there'],
  ['cooperate', 'co\u00adoper\u200bate now', '[co\u00adoper\u200bate] now'],
  ['パソコン', '新しいﾊﾟｿｺﾝを', '新しい[ﾊﾟｿｺﾝ]を'],
  ['日本', '日本と日本語', '[日本]と[日本]語'],
  ['ああ', 'あああ', '[あああ]'],
  ['"the open door"', 'in the open door', 'in [the] [open] [door]'],
  ['"本を読む"', '私は本を読む。', '私は[本を読む]。'],
  ['"日本 go"', '東日本 Go!', '東[日本] [Go]!'],
  ['"ああ go"', 'あああ go', 'あ[ああ] [go]'],
  ['example.com', 'see www.Example.com/x', 'see www.[Example].[com]/x'],
  ['10.0.0.1', 'ping 10.0.0.1:22', 'ping [10].[0].[0].[1]:22'],
  ['🎉', 'done 🎉🎉', 'done [🎉][🎉]'],
  ['👧', 'a 👨‍👩‍👧 b', 'a 👨‍👩‍[👧] b'],
  ['ไทย', 'ภาษาไทย', 'ภาษา[ไทย]'],
  ['가', 'ㄱㅏ 나', '[ㄱㅏ] 나'],
]

const missed: readonly (readonly [string, string])[] = [
  ['key room', 'The keys are gone.'],
  ['日本語', '日本と本語'],
  ['"open door"', 'the door is open'],
  ['"open door"', 'opening doors'],
  ['example.com', 'this example, com'],
  ['10.0.0.1', '10.0.0.2 and 0.1'],
  ['"cat"', 'cats'],
  ['か', 'か\u309a'],
  ['', 'anything'],
  ['...', '...'],
]

describe('a finder', () => {
  for (const [query, text, expected] of found)
    it(`finds ${query} in ${text}`, () => assert.equal(marked(query, text), expected))

  for (const [query, text] of missed)
    it(`does not find ${query} in ${text}`, () => assert.equal(marked(query, text), undefined))

  it('shows whole places in a text with lone surrogates', () => {
    assert.deepEqual(finderOf('key', 'english')('\ud800key\udc00'), [{ start: 1, end: 4 }])
  })
})
