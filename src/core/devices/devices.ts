// Which devices belong to whom. A user's devices are read from the database once and then kept, so that
// a post and its answers are checked against memory. It never hands out another user's device.

import type { UserId } from '../../id.ts'
import { boundedMap } from '../bounded-map.ts'
import { isProblem, type Problem, problem } from '../http/problem.ts'
import type { Surroundings } from '../ports.ts'
import type { CoreStore, DeviceRow } from '../store/store.ts'

export interface Device {
  readonly id: string
  readonly url: string
  readonly userId: string
  readonly deviceType: string
  readonly name?: string
}

/** A user's devices by URL; changes when they register or unregister one. */
export type OwnDevices = ReadonlyMap<string, Device>

export interface NewDevice {
  readonly deviceType: string
  readonly name?: string
}

export interface Devices {
  own(userId: UserId): Promise<OwnDevices>
  /** Whoever it belongs to. */
  find(id: string): Promise<Device | undefined>
  ownById(userId: UserId, id: string): Promise<Device | Problem>
  register(userId: UserId, device: NewDevice): Promise<Device>
  refresh(userId: UserId, id: string): Promise<Device | Problem>
  unregister(userId: UserId, id: string): Promise<Problem | undefined>
}

export interface DeviceRules {
  /** Everything before the device id. */
  readonly urlBase: string
  readonly perUser: number
  readonly usersKept: number
  /** A device is gone: nothing is delivered to it any more. */
  readonly onGone: (deviceId: string) => void
}

export const openDevices = (
  store: CoreStore,
  rules: DeviceRules,
  { now, newId }: Surroundings,
): Devices => {
  const byUser = boundedMap<string, Promise<Map<string, Device>>>(rules.usersKept)
  const toDevice = (row: DeviceRow): Device => ({
    id: row.id,
    url: `${rules.urlBase}${row.id}`,
    userId: row.user_id,
    deviceType: row.device_type,
    ...(row.name === null ? {} : { name: row.name }),
  })
  const load = async (userId: UserId): Promise<Map<string, Device>> =>
    new Map((await store.devicesOf(userId)).map(toDevice).map((device) => [device.url, device]))

  const own = (userId: UserId): Promise<Map<string, Device>> => {
    const known = byUser.get(userId)
    if (known !== undefined) return known
    const loading = load(userId)
    loading.catch(() => byUser.delete(userId))
    byUser.set(userId, loading)
    return loading
  }
  const ownById = async (userId: UserId, id: string): Promise<Device | Problem> =>
    (await own(userId)).get(`${rules.urlBase}${id}`) ?? problem('core.unknown-device')
  const forget = (mine: Map<string, Device>, id: string): void => {
    mine.delete(`${rules.urlBase}${id}`)
    rules.onGone(id)
  }

  return {
    own,
    async find(id) {
      const row = await store.findDevice(id)
      return row === undefined ? undefined : toDevice(row)
    },
    async register(userId, { deviceType, name }) {
      const mine = await own(userId)
      const times = { created_at: now(), refreshed_at: now() }
      const id = newId()
      const row = { id, user_id: userId, device_type: deviceType, name: name ?? null, ...times }
      for (const gone of await store.addDevice(row, rules.perUser)) forget(mine, gone)
      const device = toDevice(row)
      mine.set(device.url, device)
      return device
    },
    ownById,
    async refresh(userId, id) {
      const device = await ownById(userId, id)
      if (isProblem(device)) return device
      await store.refreshDevice(id, now())
      return device
    },
    async unregister(userId, id) {
      const mine = await own(userId)
      const device = await ownById(userId, id)
      if (isProblem(device)) return device
      await store.removeDevice(id)
      forget(mine, id)
      return undefined
    },
  }
}
