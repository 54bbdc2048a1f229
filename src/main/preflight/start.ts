// What would refuse the start though every file is there: a release that is none, a passphrase that opens nothing, a
// database that is not the one last published from. Looked at by the rules of the start itself; nothing is remembered.

import { readNamedText, SecretError, type Settings } from '../../config/index.ts'
import type { SecretBytes } from '../../crypto/index.ts'
import { Fault } from '../../fault.ts'
import { openMainKeys } from '../../kms/index.ts'
import { isReleaseProblem, wordsOfProblem } from '../../release/index.ts'
import type { OpenStore } from '../../store/index.ts'
import { assertEveryMainKey, configuredPassphrase } from '../assembly.ts'
import { examineRelease } from '../own-release.ts'
import { checkKeptLog } from '../published-log.ts'
import { REASONS } from '../restored.ts'
import type { Finding } from './finding.ts'

export const checkRelease = (settings: Settings): readonly Finding[] => {
  const release = examineRelease(settings)
  if (release === undefined || !isReleaseProblem(release)) return []
  return [
    {
      check: release.problem,
      level: 'error',
      what: wordsOfProblem(release),
      why: 'release.require is "logged": the realm opens no database as anything but a release that your signers logged',
      remedy:
        'install such a release, correct release.signersFile, or set release.require to "nothing"',
    },
  ]
}

const UNLOCK_WORDS: Readonly<Record<string, string>> = {
  'kms.sealed-file-wrong-passphrase': 'the passphrase does not open unlock.sealedFile',
  'main.organization-without-main-key':
    'unlock.sealedFile holds no main key for one of realm.organizations',
}

/** A credential is the service's alone. With files, `checkFiles` has said it. */
const credentialFinding = ({ code, message }: SecretError): Finding =>
  code === 'config.no-credentials'
    ? {
        check: 'unlock.credential-elsewhere',
        level: 'warning',
        what: 'the passphrase is a credential of systemd, which only the service is given',
        why: 'whether it opens unlock.sealedFile was not looked at',
        remedy:
          'start the service and look: journalctl -u keyrealm; with a wrong one it does not start',
      }
    : {
        check: code.replace('config.', 'unlock.'),
        level: 'error',
        what: `the passphrase, a credential of systemd, cannot be used: ${message}`,
        why: 'without it the realm opens no key and does not start',
        remedy: 'put it into /etc/keyrealm/credentials/passphrase, or correct unlock.passphrase',
      }

/** The work of an unlock: as long as that takes. */
export const checkUnlock = (settings: Settings): readonly Finding[] => {
  try {
    const passphrase = configuredPassphrase(settings)
    return passphrase === undefined ? [] : checkPassphrase(settings, passphrase)
  } catch (error) {
    if (error instanceof SecretError) return [credentialFinding(error)]
    throw error
  }
}

const checkPassphrase = (settings: Settings, passphrase: SecretBytes): readonly Finding[] => {
  try {
    assertEveryMainKey(
      settings,
      openMainKeys(readNamedText(settings.unlock.sealedFile), passphrase),
    )
    return []
  } catch (error) {
    const code = error instanceof Fault ? error.code : 'unlock.failed'
    return [
      {
        check: code.replace(/^(?:kms|main)\./, 'unlock.'),
        level: 'error',
        what: UNLOCK_WORDS[code] ?? `unlock.sealedFile cannot be opened (${code})`,
        why: 'without its main keys the realm opens no key and does not start',
        remedy:
          'put passphrase and sealed file of one realm together; both are kept apart from backups’ keys',
      },
    ]
  } finally {
    passphrase.wipe()
  }
}

export const checkLog = async (
  store: OpenStore,
  settings: Settings,
): Promise<readonly Finding[]> => {
  const { verdict } = await checkKeptLog(store, settings)
  if (verdict === 'whole') return []
  return [
    {
      check: `log.${verdict}`,
      level: 'error',
      what: REASONS[verdict],
      why: 'going on from it would show auditors two logs of one name: the realm does not start',
      remedy: 'find out why; then keyrealm audit accept-restore goes on, as a new log',
    },
  ]
}
