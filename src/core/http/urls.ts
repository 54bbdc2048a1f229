// Where the core's services are, seen from outside. Clients store these, so they change only with the settings.

export interface Urls {
  readonly wdm: string
  readonly encryption: string
  readonly conversation: string
  /** Search, by the name that real clients know. */
  readonly search: string
  readonly board: string
  readonly acl: string
  /** Everything before a device id, over HTTPS and over WebSocket. */
  readonly deviceBase: string
  readonly mercuryBase: string
}

export const PATHS = {
  wdm: '/wdm/api/v1',
  encryption: '/encryption/api/v1',
  conversation: '/conversation/api/v1',
  board: '/board/api/v1',
  acl: '/acl/api/v1',
  mercury: '/mercury',
  search: '/argonaut/api/v1',
} as const

/** `https://core.example` without a trailing slash → the URLs of the services. */
export const urlsAt = (publicBaseUrl: string): Urls => ({
  wdm: `${publicBaseUrl}${PATHS.wdm}`,
  encryption: `${publicBaseUrl}${PATHS.encryption}`,
  conversation: `${publicBaseUrl}${PATHS.conversation}`,
  search: `${publicBaseUrl}${PATHS.search}`,
  board: `${publicBaseUrl}${PATHS.board}`,
  acl: `${publicBaseUrl}${PATHS.acl}`,
  deviceBase: `${publicBaseUrl}${PATHS.wdm}/devices/`,
  mercuryBase: `${publicBaseUrl.replace(/^http/, 'ws')}${PATHS.mercury}/`,
})

/** Where rooms, teams and boards are, and the lists of who may see them. */
export interface RoomUrls {
  readonly room: (id: string) => string
  readonly team: (id: string) => string
  readonly board: (id: string) => string
  readonly acl: (id: string) => string
}

export const roomUrlsAt = ({
  conversation,
  board,
  acl,
}: Pick<Urls, 'conversation' | 'board' | 'acl'>): RoomUrls => ({
  room: (id) => `${conversation}/conversations/${id}`,
  team: (id) => `${conversation}/teams/${id}`,
  board: (id) => `${board}/channels/${id}`,
  acl: (id) => `${acl}/acls/${id}`,
})
