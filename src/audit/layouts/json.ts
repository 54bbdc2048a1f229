// The layout `json`: the canonical entry as it was hashed, byte for byte, so that a collector holds the evidence
// itself. In a file, where no header says which entry it is, its number stands beside it. RFC 8785.

import type { EntryFields } from './fields.ts'

export const jsonMessage = ({ body }: EntryFields): string => body

/** Members in the order of their names, so that the line is canonical too. */
export const jsonLine = ({ sequence, body }: EntryFields): string =>
  `{"entry":${body},"sequence":${sequence}}`
