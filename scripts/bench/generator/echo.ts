// A "device" of the ceiling: the same requests over the same HTTP client, but the answers come in the HTTP response
// and no Mercury socket, session or key stands behind them.
import { channelOf, makeOwnHalf, staticKeyFrom } from './channel.ts'
import type { Device } from './device.ts'
import type { OpenEchoes, Somebody } from './orders.ts'
import { PostOffice } from './post-office.ts'

const KEYS = 50

export function openEcho(wanted: OpenEchoes, scheme: 'http' | 'https'): Device {
  const office =
    scheme === 'http'
      ? new PostOffice(wanted.httpOrigin)
      : new PostOffice(wanted.httpsOrigin, wanted.caFile)
  const { as: who, domain } = wanted
  const uuid = '0b8f6a3e-51c7-4d92-a6be-3f7d20c9e114'
  const channel = channelOf(
    `kms://${domain}/ecdhe/${uuid}`,
    Buffer.from(wanted.keyB64u, 'base64url'),
  )
  const headers = headersOf(who)
  const own = makeOwnHalf()
  return {
    who,
    domain,
    own,
    channel,
    clientId: `${wanted.httpsOrigin}/wdm/api/v1/devices/${uuid}`,
    staticKey: staticKeyFrom(JSON.stringify({ ...own.publicJwk, kid: 'none' })),
    keys: Array.from({ length: KEYS }, () => ({ uri: `kms://${domain}/keys/${uuid}`, k: '' })),
    async post(body) {
      const { body: answer } = await office.ask({ method: 'POST', path: '/echo', headers, body })
      const { kmsMessages }: { kmsMessages: readonly string[] } = JSON.parse(answer)
      const atMs = performance.now()
      return kmsMessages.map((compact) => ({ atMs, compact }))
    },
  }
}

function headersOf({ coreToken }: Somebody): string {
  return `authorization: Bearer ${coreToken}\r\ncontent-type: application/json\r\n`
}
