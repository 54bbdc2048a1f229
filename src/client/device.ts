// Registration of this program as a device at the core: what gives it an address for answers and a socket.
// It accepts only encrypted service addresses, whatever the core says.

import { ClientError } from './errors.ts'
import { type HttpClient, isSuccess } from './http.ts'
import { type JsonObject, objectMember, textMember } from './json.ts'
import { requireScheme } from './transport.ts'

export interface Device {
  /** Also the `clientId` of every request to the realm. */
  readonly url: string
  readonly webSocketUrl: string
  readonly userId: string
  readonly encryptionUrl: string
  readonly conversationUrl: string
  /** Where to search, if this core has search. */
  readonly searchUrl: string | undefined
}

export interface DeviceDescription {
  readonly deviceType: string
  readonly name: string
}

/** A new registration. */
export const registerDevice = async (
  http: HttpClient,
  wdmUrl: string,
  { deviceType, name }: DeviceDescription,
): Promise<Device> => {
  requireScheme(wdmUrl, 'https:')
  return readDevice(await http.ask('POST', `${wdmUrl}/devices`, { deviceType, name }))
}

export const unregisterDevice = async (http: HttpClient, { url }: Device): Promise<void> => {
  const { status } = await http.send('DELETE', url)
  if (!isSuccess(status) && status !== 404) {
    throw new ClientError('client.core-refused', 'devices', status)
  }
}

function readDevice(answer: JsonObject): Device {
  const services = objectMember(answer, 'services')
  const { argonautServiceUrl: searchUrl } = services
  const device = {
    url: textMember(answer, 'url'),
    webSocketUrl: textMember(answer, 'webSocketUrl'),
    userId: textMember(answer, 'userId'),
    encryptionUrl: textMember(services, 'encryptionServiceUrl'),
    conversationUrl: textMember(services, 'conversationServiceUrl'),
    searchUrl: typeof searchUrl === 'string' ? searchUrl : undefined,
  }
  requireScheme(device.webSocketUrl, 'wss:')
  const { url, encryptionUrl, conversationUrl } = device
  for (const one of [url, encryptionUrl, conversationUrl, device.searchUrl]) {
    if (one !== undefined) requireScheme(one, 'https:')
  }
  return device
}
