// What to do about a failure, by its stable code: printed below the line that names it. A code without a row prints
// nothing more; a test holds every row against the code.

const WHOSE =
  'As installed, keyrealm is run by root as the user keyrealm: what it reads must be readable for that user (chown), and a folder that it writes to its own (install -o keyrealm -d -m 700 FOLDER).'

/** Ordered as an operator meets them: store, start, identity, backup. Each is one or two sentences. */
const NEXT_STEPS: Readonly<Record<string, string>> = {
  'store.migration-pending':
    'The database was made by an older program. Bring it forward after a backup: keyrealm upgrade --config FILE --out BACKUP --recipient age1…',
  'store.migration-unknown':
    'The database, or the backup, was made by a newer program than this one. Install that version or a later one; going back means restoring a backup.',
  'store.migration-changed':
    'The database’s history is not this program’s. Was another build run on it? Compare with keyrealm version, and restore a backup if in doubt.',
  'store.migration-failed':
    'Nothing was changed. Look at the cause in the log; there may be tables of something else in this database.',
  'store.restore-unfinished':
    'A backup was being put back into this database, and that did not end. Run the same keyrealm restore again: it begins anew.',
  'store.unavailable':
    'Is the database there, and may this user reach it? keyrealm preflight --config FILE looks into it.',
  'store.not-durable':
    'The database would forget what it acknowledged. PostgreSQL: fsync = on, synchronous_commit = on. SQLite: not on a network file system.',
  'store.full': 'Free some space where the database lies; the realm goes on by itself.',
  'store.busy': 'Another process holds the database. Is a second realm running on it?',
  'store.corrupt':
    'The database file is damaged. Keep it, and restore a backup: keyrealm restore --help',
  'store.not-empty':
    'A backup is put back into an empty database only. Make a new one, or empty this one yourself.',
  'store.no-realm': 'There is no realm in this database: keyrealm init --config FILE makes one.',
  'kms.sealed-file-wrong-passphrase':
    'Give the passphrase that init was given: unlock.passphrase of the settings, or --passphrase-file FILE.',
  'kms.main-key-mismatch':
    'unlock.sealedFile belongs to another database. Put the two of one realm, or of one backup, together.',
  'main.no-identity':
    'Import the realm’s certificate: keyrealm identity import --config FILE --key KEY --chain CHAIN',
  'main.identity-refused':
    'What clients accept: RSA of 2,048 to 4,096 bits, one DNS name (the realm’s domain), no authority itself, its issuers after it in order, all valid now.',
  'main.anchors-unusable':
    'A folder in federation.carrier.trustFolder is named exactly as the one domain for which its PEM files hold. Put it right, or move it away.',
  'main.peer-trust':
    'A file in federation.carrier.trustFolder holds no certificate of an authority, or one in crlFolder no revocation list (openssl x509, or crl, -in FILE -noout -text). Put it right, or move it away.',
  'main.upgrade-unfinished':
    'A start tries this three times, each after a backup. The log says why it failed; put that right, then: keyrealm upgrade --config FILE',
  'main.not-running': 'Start it: keyrealm serve --config FILE, or systemctl start keyrealm',
  'main.no-passphrase':
    'Name a file: --passphrase-file FILE, or unlock.passphrase in the settings.',
  'main.no-recipients':
    'Make a recovery key (keyrealm recovery-key --out FILE) and name its recipient: --recipient age1…, or backup.recipients in the settings.',
  'main.no-backup-folder': 'Say where: --out FILE, or backup.folder in the settings.',
  'main.disk-full': 'Nothing half done was left. Free some space, or choose another disk.',
  'main.not-writable': WHOSE,
  EACCES: WHOSE,
  'main.file-exists': 'Choose another name, or move that file away.',
  'main.not-empty': 'Choose a folder that is empty or does not exist.',
  'main.backup-of-another-realm': 'Is it the right file? --realm names whose backup you expect.',
  'crypto.age-not-for-this-key':
    'Try the other recovery keys. The entry backup.written in the audit log names the recipients.',
  'crypto.age-damaged': 'Nothing was touched. Use another copy of this backup, or the one before.',
  'config.invalid':
    'keyrealm config schema and config/README.md describe every setting; keyrealm init makes a settings file.',
  'config.file-missing':
    'Look at the path: from a command line it counts from the folder you are in.',
  'config.file-unreadable':
    'Run this as the user of the realm, or give that user the right to read it.',
  'config.file-not-a-file': 'Name a plain file; pipes, folders and devices are not read.',
  'config.file-too-large': 'Is it the right file?',
  'config.file-not-text': 'Is it the right file? It has to be a text (PEM, JSON) in UTF-8.',
  'config.secret-missing': 'Put the secret there, closed to others (chmod 600).',
  'config.secret-readable-by-others':
    'chmod 600 FILE, and replace the secret if others may have read it.',
  'audit.log-behind':
    'Look first: keyrealm audit show. Then keyrealm audit accept-restore --config FILE, and tell your auditors.',
  'audit.log-forked':
    'Look first: keyrealm audit show. Then keyrealm audit accept-restore --config FILE, and tell your auditors.',
}

/** Undefined where the line above says it all. */
export const nextStep = (code: string): string | undefined => NEXT_STEPS[code]
