// Writes what is generated from the declaration of the settings: config/appliance.schema.json and
// the table in config/README.md. Run it after changing src/config/schema.ts; a test notices if not.

import { readFileSync, writeFileSync } from 'node:fs'
import { settingsSchemaText, withSettingsTable } from '../src/config/index.ts'

const folder = new URL('../config/', import.meta.url)
const readme = new URL('README.md', folder)

writeFileSync(new URL('appliance.schema.json', folder), settingsSchemaText())
writeFileSync(readme, withSettingsTable(readFileSync(readme, 'utf8')))
