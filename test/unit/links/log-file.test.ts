import assert from 'node:assert/strict'
import { createSocket } from 'node:dgram'
import { once } from 'node:events'
import {
  appendFileSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, describe, test } from 'node:test'
import {
  createLogFile,
  createSyslogDatagram,
  type LogFileOptions,
} from '../../../src/links/index.ts'

const folder = mkdtempSync(join(tmpdir(), 'keyrealm-log-file-'))
after(() => rmSync(folder, { recursive: true, force: true }))
let made = 0

const aFile = (change: Partial<LogFileOptions> = {}) => {
  made += 1
  const file = join(folder, `${made}`, 'audit.log')
  let now = 1_767_225_600_000
  const nowMs = () => now++
  const limits = { rotateAtBytes: 1_000_000, keepFiles: 3 }
  const target = createLogFile({ file, flush: 'delivery', nowMs, ...limits, ...change })
  const ship = async (...lines: readonly string[]) => {
    const shipment = await target.open()
    await shipment.write(lines)
    await shipment.conclude()
  }
  return { file, target, ship, text: () => readFileSync(file, 'utf8') }
}

const unusable = { name: 'Fault', code: 'links.ship-file-unusable' }

describe('a log file', () => {
  test('is appended, and for its owner alone, whatever it was before', async () => {
    const { file, ship, text } = aFile()
    await ship('one', 'two')
    assert.equal(statSync(file).mode & 0o777, 0o600)
    assert.equal(statSync(join(file, '..')).mode & 0o777, 0o700)
    rmSync(file)
    writeFileSync(file, 'old\n', { mode: 0o644 })
    await ship('three')
    assert.equal(statSync(file).mode & 0o777, 0o600)
    assert.equal(text(), 'old\nthree\n')
  })

  test('loses a last line that was cut short, before anything follows it', async () => {
    const { file, ship, text } = aFile()
    await ship('whole')
    appendFileSync(file, '{"entry":{"act')
    await ship('next')
    assert.equal(text(), 'whole\nnext\n')
    writeFileSync(file, 'never a whole line')
    await ship('first')
    assert.equal(text(), 'first\n')
  })

  test('is put aside when it is full, and only so many are kept', async () => {
    const { file, ship, text } = aFile({ rotateAtBytes: 10, keepFiles: 2 })
    for (const line of ['line-1', 'line-2', 'line-3', 'line-4']) await ship(line)
    const folderOf = join(file, '..')
    const rotated = readdirSync(folderOf).filter((name) => name !== 'audit.log')
    assert.deepEqual(
      rotated.sort().map((name) => readFileSync(join(folderOf, name), 'utf8')),
      ['line-2\n', 'line-3\n'],
    )
    assert.equal(text(), 'line-4\n')
  })

  test('keeps files beside it that it did not put aside', async () => {
    const { file, ship } = aFile({ rotateAtBytes: 10, keepFiles: 1 })
    await ship('line-1')
    for (const name of ['audit.log.key', 'audit.log.1', 'other'])
      writeFileSync(join(file, '..', name), '')
    await ship('line-2')
    await ship('line-3')
    assert.equal(readdirSync(join(file, '..')).length, 5)
  })

  test('is refused behind a symbolic link, and where it is no file', async () => {
    const { file, ship, target } = aFile()
    await ship('one')
    const link = join(file, '..', 'link')
    symlinkSync(file, link)
    const elsewhere = (other: string) => aFile({ file: other }).target.open()
    await assert.rejects(elsewhere(link), unusable)
    await assert.rejects(elsewhere('/dev/null'), unusable)
    await assert.rejects(elsewhere(join(file, 'below')), unusable)
    ;(await target.open()).abandon()
  })
})

describe('syslog over UDP', () => {
  test('is one message a datagram, cut at a letter where it is too long', async () => {
    const socket = createSocket('udp4').bind(0, '127.0.0.1')
    await once(socket, 'listening')
    const received: Buffer[] = []
    const { promise: all, resolve } = Promise.withResolvers<void>()
    socket.on('message', (datagram) => {
      received.push(datagram)
      if (received.length === 2) resolve()
    })
    const { port } = socket.address()
    const shipment = await createSyslogDatagram({ host: '127.0.0.1', port }).open()
    await shipment.write(['short', `${'x'.repeat(64_999)}☃☃`])
    await shipment.conclude()
    shipment.abandon()
    await all
    socket.close()
    assert.deepEqual(
      received.map((datagram) => datagram.toString()),
      ['short', 'x'.repeat(64_999)],
    )
  })
})
