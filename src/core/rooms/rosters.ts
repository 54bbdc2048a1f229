// Tells each realm who is in its rooms, page by page, when its line comes up and now and then: the realm compares
// that with its authorizations.

import { encodeCoreFrame, type RoomRoster } from '../../boundary/index.ts'
import type { Line } from '../realms/desk.ts'
import type { CoreStore, RosterRow } from '../store/store.ts'

export interface Rosters {
  lineUp(domain: string, line: Line): void
  lineDown(domain: string, line: Line): void
  /** To every realm whose line is up. */
  tellAll(): Promise<void>
}

/** Pages stay well below the size of a frame even where every room is full. */
const ROOMS_PER_PAGE = 50

export const openRosters = (
  store: Pick<CoreStore, 'rosterPage'>,
  onFault: (error: unknown) => void,
): Rosters => {
  const lines = new Map<string, Line>()
  const tell = async (domain: string, line: Line): Promise<void> => {
    let afterId = ''
    for (;;) {
      const rows = await store.rosterPage({ domain, afterId, limit: ROOMS_PER_PAGE })
      if (lines.get(domain) !== line) return
      const rooms = rows.map(toRoster)
      const last = rows.length < ROOMS_PER_PAGE ? undefined : rows.at(-1)
      if (last === undefined) return line.send(encodeCoreFrame({ type: 'rosters', rooms }))
      line.send(encodeCoreFrame({ type: 'rosters', rooms, more: true }))
      afterId = last.id
    }
  }
  return {
    lineUp(domain, line) {
      lines.set(domain, line)
      tell(domain, line).catch(onFault)
    },
    lineDown(domain, line) {
      if (lines.get(domain) === line) lines.delete(domain)
    },
    async tellAll() {
      for (const [domain, line] of lines) await tell(domain, line)
    },
  }
}

/** Members, and whoever reads by the team. */
const toRoster = ({ resourceUri, keyUri, members, teamResourceUri }: RosterRow): RoomRoster => ({
  resourceUri,
  members: teamResourceUri === null ? members : [...members, teamResourceUri],
  ...(keyUri === null ? {} : { keyUri }),
})
