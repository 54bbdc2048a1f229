// Settings of the indexer. Whether anything is indexed at all is no setting: an administrator grants it.

import { z } from 'zod'
import { whole } from './fields.ts'

export const search = z
  .strictObject({
    language: z
      .enum([
        'english',
        'danish',
        'dutch',
        'finnish',
        'french',
        'german',
        'italian',
        'norwegian',
        'portuguese',
        'russian',
        'spanish',
        'swedish',
      ])
      .default('english')
      .meta({
        description:
          'Language of what rooms write in Latin script. Another one indexes every room anew.',
      }),
    batchEvents: whole('Messages that the indexer takes from the core at once.', {
      unit: 'messages',
      min: 1,
      max: 1000,
      byDefault: 500,
    }),
    memoryMebibytes: whole('What the counters of rooms may take in memory.', {
      unit: 'MiB',
      min: 8,
      max: 65_536,
      byDefault: 256,
    }),
    keysKeptSeconds: whole('How long the search key of a room stays open after its last use.', {
      unit: 's',
      min: 1,
      max: 3600,
      byDefault: 300,
    }),
    searchesAtOnce: whole('Searches in work; more are declined.', {
      unit: 'searches',
      min: 1,
      max: 1000,
      byDefault: 32,
    }),
  })
  .prefault({})
