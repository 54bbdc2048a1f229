// Which entries a destination wants. What it does not want counts as delivered: its cursor moves over it.

import { type NumberedEntry, readFields } from '../layouts/fields.ts'

export interface ShipFilter {
  /** `done`, `refused`, `failed`; all unless told. */
  readonly outcomes?: readonly string[]
  /** `key.released`, or `key.*` for every action of a noun; all unless told. */
  readonly actions?: readonly string[]
}

const isAction = (wanted: string, action: string): boolean =>
  wanted.endsWith('.*') ? action.startsWith(wanted.slice(0, -1)) : wanted === action

export const createFilter = ({ outcomes, actions }: ShipFilter) => {
  if (outcomes === undefined && actions === undefined) return () => true
  return (entry: NumberedEntry): boolean => {
    const fields = readFields(entry)
    const outcome = fields.text('outcome')
    const action = fields.text('action')
    // What cannot be read is shipped: a filter hides only what it knows.
    if (outcome === undefined || action === undefined) return true
    const isOutcome = outcomes?.includes(outcome) ?? true
    return isOutcome && (actions?.some((wanted) => isAction(wanted, action)) ?? true)
  }
}
