// Device registration: a device is a name for one socket of one user. It cannot be registered for anyone but
// the caller, nor read, refreshed or removed by anyone else.

import { z } from 'zod'
import { json, type Route } from '../http/http.ts'
import { orEmpty, parseBody } from '../http/parse-body.ts'
import { isProblem } from '../http/problem.ts'
import { PATHS, type Urls } from '../http/urls.ts'
import type { Device, Devices } from './devices.ts'

const PATH = `${PATHS.wdm}/devices`

/** Real clients send many more members, and different ones; none of them is kept. */
const NEW_DEVICE = z.object({
  deviceType: z.string().min(1).max(64).default('UNKNOWN'),
  name: z.string().min(1).max(200).optional(),
})

export const deviceRoutes = (devices: Devices, urls: Urls): readonly Route[] => {
  const show = (device: Device) => toRegistration(device, urls)
  return [
    {
      method: 'POST',
      path: PATH,
      name: 'devices',
      async answer({ caller, body }) {
        const wanted = parseBody(NEW_DEVICE, orEmpty(await body()))
        if (isProblem(wanted)) return wanted
        const { deviceType, name } = wanted.value
        const named = name === undefined ? { deviceType } : { deviceType, name }
        return json(show(await devices.register(caller.userId, named)))
      },
    },
    {
      method: 'GET',
      path: PATH,
      name: 'devices',
      async answer({ caller }) {
        return json({ devices: [...(await devices.own(caller.userId)).values()].map(show) })
      },
    },
    {
      method: 'GET',
      path: `${PATH}/:id`,
      name: 'devices',
      async answer({ caller, param }) {
        const device = await devices.ownById(caller.userId, param('id'))
        return isProblem(device) ? device : json(show(device))
      },
    },
    {
      method: 'PUT',
      path: `${PATH}/:id`,
      name: 'devices',
      async answer({ caller, param }) {
        const device = await devices.refresh(caller.userId, param('id'))
        return isProblem(device) ? device : json(show(device))
      },
    },
    {
      method: 'DELETE',
      path: `${PATH}/:id`,
      name: 'devices',
      async answer({ caller, param }) {
        const refused = await devices.unregister(caller.userId, param('id'))
        return refused ?? new Response(null, { status: 204 })
      },
    },
  ]
}

const toRegistration = (device: Device, urls: Urls) => ({
  url: device.url,
  webSocketUrl: `${urls.mercuryBase}${device.id}`,
  userId: device.userId,
  deviceType: device.deviceType,
  ...(device.name === undefined ? {} : { name: device.name }),
  services: {
    encryptionServiceUrl: urls.encryption,
    conversationServiceUrl: urls.conversation,
    argonautServiceUrl: urls.search,
    boardServiceUrl: urls.board,
  },
})
