// A file of the settings that goes, or is closed, while its backup is being written is named, and not the backup's own place.

import assert from 'node:assert/strict'
import { rmSync } from 'node:fs'
import { test } from 'node:test'
import { loadSettings } from '../../../../src/config/index.ts'
import { backupSource } from '../../../../src/main/backup/source.ts'
import { storeSettings } from '../../../../src/main/store-settings.ts'
import { openSnapshot } from '../../../../src/store/index.ts'
import { instant } from '../../../../src/time.ts'
import { makeRealm } from '../../../support/made-realm.ts'

test('a file that went since it was listed is named', async (t) => {
  const realm = await makeRealm()
  t.after(() => realm.remove())
  const settings = loadSettings(realm.config)
  const snapshot = await openSnapshot(storeSettings(settings))
  t.after(() => snapshot.close())
  const now = instant(1_795_000_000_000)
  const source = backupSource({ settings, configFile: realm.config, snapshot, now })
  rmSync(realm.path('tls/link.pem'))
  const kept = source.about.files.find(({ setting }) => setting === 'core.certificateFile')
  await assert.rejects(source.file(kept?.part ?? ''), {
    code: 'main.backup-incomplete',
    message: /core\.certificateFile names .*link\.pem, which cannot be read/,
  })
})
