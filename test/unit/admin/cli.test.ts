import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { type CliActions, runCli } from '../../../src/admin/index.ts'
import { Fault } from '../../../src/fault.ts'

const aWorld = (act: () => number = () => 0) => {
  const calls: { readonly name: string; readonly options: unknown }[] = []
  const record =
    (name: string) =>
    async (options?: unknown): Promise<number> => {
      calls.push({ name, options })
      return act()
    }
  const actions: CliActions = {
    serve: record('serve'),
    init: record('init'),
    preflight: record('preflight'),
    status: record('status'),
    configCheck: record('configCheck'),
    configSchema: record('configSchema'),
    lock: record('lock'),
    unlock: record('unlock'),
    identityImport: record('identityImport'),
    identityList: record('identityList'),
    usersImport: record('usersImport'),
    usersList: record('usersList'),
    digests: record('digests'),
    usersOffBoard: record('usersOffBoard'),
    usersReport: record('usersReport'),
    roomsList: record('roomsList'),
    roomsStale: record('roomsStale'),
    roomsCheck: record('roomsCheck'),
    machinesAdd: record('machinesAdd'),
    machinesList: record('machinesList'),
    machinesGrant: record('machinesGrant'),
    machinesRevoke: record('machinesRevoke'),
    machinesDisable: record('machinesDisable'),
    accessList: record('accessList'),
    accessRevoke: record('accessRevoke'),
    auditShow: record('auditShow'),
    auditSearch: record('auditSearch'),
    auditKey: record('auditKey'),
    auditExport: record('auditExport'),
    auditProve: record('auditProve'),
    auditConsistency: record('auditConsistency'),
    auditVerify: record('auditVerify'),
    auditReconcile: record('auditReconcile'),
    auditErase: record('auditErase'),
    auditAcceptRestore: record('auditAcceptRestore'),
    auditRotateKey: record('auditRotateKey'),
    auditWitnesses: record('auditWitnesses'),
    auditWitnessKey: record('auditWitnessKey'),
    auditSeen: record('auditSeen'),
    recoveryKey: record('recoveryKey'),
    backup: record('backup'),
    restore: record('restore'),
    rehearseRestore: record('rehearseRestore'),
    upgrade: record('upgrade'),
    indexLab: record('indexLab'),
    indexStatus: record('indexStatus'),
    indexRekey: record('indexRekey'),
    indexRemoveRoom: record('indexRemoveRoom'),
    indexAddRoom: record('indexAddRoom'),
    indexLeakage: record('indexLeakage'),
    peersList: record('peersList'),
    peersShow: record('peersShow'),
    peersBlock: record('peersBlock'),
    peersUnblock: record('peersUnblock'),
    peersWriteOff: record('peersWriteOff'),
    peersPin: record('peersPin'),
    peersMovePin: record('peersMovePin'),
    peersCheck: record('peersCheck'),
    peersReceipts: record('peersReceipts'),
    peersReconcile: record('peersReconcile'),
    auditShipStatus: record('auditShipStatus'),
  }
  const run = async (line: string) => {
    const printed = { out: '', error: '' }
    const output = {
      out: (text: string) => {
        printed.out += text
      },
      error: (text: string) => {
        printed.error += text
      },
    }
    const args = line.split(' ').filter((word) => word !== '')
    return { code: await runCli(actions, { version: '1.2.3' }, args, output), ...printed }
  }
  return { calls, run }
}

const config = 'realm.json'

const COMMANDS: readonly (readonly [line: string, name: string, options: object | undefined])[] = [
  ['index status --config realm.json', 'indexStatus', { config: 'realm.json' }],
  ['index rekey --config realm.json --room R', 'indexRekey', { config: 'realm.json', room: 'R' }],
  [
    'index remove-room --config realm.json --room R',
    'indexRemoveRoom',
    { config: 'realm.json', room: 'R' },
  ],
  [
    'index add-room --config realm.json --room R',
    'indexAddRoom',
    { config: 'realm.json', room: 'R' },
  ],
  [
    'index lab --messages m --out o --terms t --expand e --queries q --trace r --json',
    'indexLab',
    {
      messages: 'm',
      out: 'o',
      terms: 't',
      expand: 'e',
      queries: 'q',
      trace: 'r',
      language: 'english',
      json: true,
    },
  ],
  [
    'index leakage --messages m --similar s --limit 9 --one-room',
    'indexLeakage',
    { messages: 'm', similar: 's', language: 'english', skip: 0, limit: 9, oneRoom: true },
  ],
  ['serve --config realm.json', 'serve', { config }],
  ['init --config realm.json', 'init', { config }],
  ['init --config realm.json --passphrase-file pass', 'init', { config, passphraseFile: 'pass' }],
  ['status --config realm.json', 'status', { config }],
  ['status --config realm.json --json', 'status', { config, json: true }],
  ['config check --config realm.json', 'configCheck', { config }],
  ['lock --config realm.json', 'lock', { config }],
  ['unlock --config realm.json --passphrase-file p', 'unlock', { config, passphraseFile: 'p' }],
  [
    'identity import --config realm.json --key k --chain c',
    'identityImport',
    { config, key: 'k', chain: 'c' },
  ],
  ['identity list --config realm.json', 'identityList', { config }],
  ['users import --config realm.json --file f', 'usersImport', { config, file: 'f' }],
  ['users list --config realm.json', 'usersList', { config }],
  ['version --digests', 'digests', { digests: true }],
  [
    'version --digests --json --config realm.json',
    'digests',
    { digests: true, json: true, config },
  ],
  ['users off-board u1 --config realm.json', 'usersOffBoard', { config, id: 'u1' }],
  ['users report u1 --config realm.json', 'usersReport', { config, id: 'u1' }],
  ['rooms list --config realm.json', 'roomsList', { config }],
  ['rooms stale --config realm.json', 'roomsStale', { config }],
  ['rooms check --config realm.json', 'roomsCheck', { config }],
  [
    'machines add --config realm.json --name bot --organization o --subject s',
    'machinesAdd',
    { config, name: 'bot', organization: 'o', subject: 's' },
  ],
  ['machines list --config realm.json', 'machinesList', { config }],
  [
    'machines grant --config realm.json --name bot --feature read-keys --all',
    'machinesGrant',
    { config, name: 'bot', feature: 'read-keys', all: true },
  ],
  [
    'machines revoke --config realm.json --name bot --feature read-keys --room r',
    'machinesRevoke',
    { config, name: 'bot', feature: 'read-keys', room: 'r' },
  ],
  ['machines disable --config realm.json --name bot', 'machinesDisable', { config, name: 'bot' }],
  ['access list --config realm.json', 'accessList', { config }],
  ['peers list --config realm.json', 'peersList', { config }],
  ['peers show k.y --config realm.json', 'peersShow', { config, domain: 'k.y' }],
  ['peers check k.y --config realm.json', 'peersCheck', { config, domain: 'k.y' }],
  [
    'peers receipts k.y --json --config realm.json',
    'peersReceipts',
    { config, domain: 'k.y', json: true },
  ],
  [
    'peers reconcile k.y --theirs d --config realm.json',
    'peersReconcile',
    { config, domain: 'k.y', theirs: 'd' },
  ],
  ['peers block k.y --config realm.json', 'peersBlock', { config, domain: 'k.y' }],
  ['peers unblock k.y --config realm.json', 'peersUnblock', { config, domain: 'k.y' }],
  ['peers write-off k.y --config realm.json', 'peersWriteOff', { config, domain: 'k.y' }],
  ['peers pin k.y --user u --config realm.json', 'peersPin', { config, domain: 'k.y', user: 'u' }],
  [
    'peers move-pin k.y --user u --config realm.json',
    'peersMovePin',
    { config, domain: 'k.y', user: 'u' },
  ],
  ['access revoke kms://a/b --config realm.json', 'accessRevoke', { config, uri: 'kms://a/b' }],
  ['audit ship-status --config realm.json', 'auditShipStatus', { config }],
  ['audit ship-status --config realm.json --json', 'auditShipStatus', { config, json: true }],
  ['audit show --config realm.json', 'auditShow', { config, after: 0, limit: 100 }],
  [
    'audit search --config realm.json --action key.released --outcome done',
    'auditSearch',
    { config, after: 0, limit: 100, action: 'key.released', outcome: 'done' },
  ],
  ['audit key --config realm.json', 'auditKey', { config }],
  ['audit export --config realm.json --to folder', 'auditExport', { config, to: 'folder' }],
  ['audit prove --config realm.json --sequence 7', 'auditProve', { config, sequence: 7 }],
  ['audit consistency --config realm.json --from old', 'auditConsistency', { config, from: 'old' }],
  [
    'audit verify folder --key a --key b --since old --max-age 60 --witness w --quorum 1',
    'auditVerify',
    {
      directory: 'folder',
      key: ['a', 'b'],
      since: ['old'],
      maxAge: 60,
      witness: ['w'],
      quorum: 1,
    },
  ],
  ['audit witnesses --config realm.json', 'auditWitnesses', { config }],
  ['audit witness-key --config realm.json', 'auditWitnessKey', { config }],
  [
    'audit seen --config realm.json --origin a.example/log',
    'auditSeen',
    { config, origin: 'a.example/log' },
  ],
  [
    'init --config realm.json --continue --chain c --link-chain l --json',
    'init',
    { config, continue: true, chain: 'c', linkChain: 'l', json: true },
  ],
  ['init --config realm.json --answers a', 'init', { config, answers: 'a' }],
  ['preflight --config realm.json --json', 'preflight', { config, json: true }],
  ['recovery-key --out k', 'recoveryKey', { out: 'k' }],
  ['recovery-key --out k --x25519 --json', 'recoveryKey', { out: 'k', x25519: true, json: true }],
  ['backup --config realm.json', 'backup', { config }],
  [
    'backup --config realm.json --out f --recipient age1a --recipient age1b --json',
    'backup',
    { config, out: 'f', recipient: ['age1a', 'age1b'], json: true },
  ],
  [
    'restore f --recovery-key k --realm kms.x.y --to d --store s --sha256 00',
    'restore',
    { backup: 'f', recoveryKey: 'k', realm: 'kms.x.y', to: 'd', store: 's', sha256: '00' },
  ],
  [
    'rehearse-restore f --config realm.json --recovery-key k --sandbox d --keep',
    'rehearseRestore',
    { backup: 'f', config, recoveryKey: 'k', sandbox: 'd', keep: true },
  ],
  ['upgrade --config realm.json', 'upgrade', { config, backup: true }],
  ['upgrade --config realm.json --no-backup', 'upgrade', { config, backup: false }],
  ['audit accept-restore --config realm.json', 'auditAcceptRestore', { config }],
  ['audit rotate-key --config realm.json', 'auditRotateKey', { config }],
  ['audit rotate-key --config realm.json --retire', 'auditRotateKey', { config, retire: true }],
  [
    'audit show --config realm.json --after 7 --limit 3',
    'auditShow',
    { config, after: 7, limit: 3 },
  ],
]

describe('the command line', () => {
  for (const [line, name, options] of COMMANDS) {
    test(`"${line}" runs ${name}`, async () => {
      const { calls, run } = aWorld()
      assert.deepEqual(await run(line), { code: 0, out: '', error: '' })
      assert.equal(calls[0]?.name, name)
      assert.deepEqual({ ...Object(calls[0]?.options) }, options)
      assert.equal(calls.length, 1)
    })
  }

  test('"config schema" needs no settings file', async () => {
    const { calls, run } = aWorld()
    assert.equal((await run('config schema')).code, 0)
    assert.equal(calls[0]?.name, 'configSchema')
  })

  test('the settings file may be named by KEYREALM_CONFIG', async () => {
    const { calls, run } = aWorld()
    process.env['KEYREALM_CONFIG'] = 'from-environment.json'
    try {
      await run('serve')
      await run('serve --config realm.json')
    } finally {
      delete process.env['KEYREALM_CONFIG']
    }
    assert.deepEqual(
      calls.map(({ options }) => Object(options).config),
      ['from-environment.json', 'realm.json'],
    )
  })

  test('version and help exit with 0 and print to standard output', async () => {
    const { run } = aWorld()
    assert.deepEqual(await run('version'), { code: 0, out: '1.2.3\n', error: '' })
    assert.deepEqual(await run('--version'), { code: 0, out: '1.2.3\n', error: '' })
    const help = await run('--help')
    assert.equal(help.code, 0)
    assert.match(help.out, /keyrealm core --config <file>/)
    assert.match((await run('audit show --help')).out, /--after <sequence>/)
  })

  test('wrong use exits with 2, runs nothing and says why', async () => {
    const { calls, run } = aWorld()
    const wrong = [
      '',
      'serve',
      'sevre --config realm.json',
      'serve --config realm.json extra',
      'serve --config realm.json --loud',
      'config',
      'identity import --config realm.json --key k',
      'audit show --config realm.json --limit many',
      'audit show --config realm.json --after -1',
    ]
    for (const line of wrong) {
      const { code, out, error } = await run(line)
      assert.equal(code, 2, line)
      assert.equal(out, '', line)
      assert.notEqual(error, '', line)
    }
    assert.deepEqual(calls, [])
  })

  test('the exit code of a command is the exit code of the program', async () => {
    const { run } = aWorld(() => 3)
    assert.equal((await run('serve --config realm.json')).code, 3)
  })

  test('errors are a line with their code and, where something can be done, what; exit code 1', async () => {
    const throwing = async (error: unknown) => {
      const { run } = aWorld(() => {
        throw error
      })
      return run('status --config realm.json')
    }
    const told = Object.assign(new Error('realm.json is missing'), { code: 'config.odd' })
    const full =
      'keyrealm: failed (store.full)\nFree some space where the database lies; the realm goes on by itself.\n'
    const lines: readonly (readonly [unknown, string])[] = [
      [told, 'keyrealm: realm.json is missing (config.odd)\n'],
      [new Fault('store.full'), full],
      [new Fault('store.unreachable'), 'keyrealm: failed (store.unreachable)\n'],
      [new SyntaxError('Unexpected "hunter2"'), 'keyrealm: failed (SyntaxError)\n'],
      ['hunter2', 'keyrealm: failed (unknown)\n'],
    ]
    for (const [error, line] of lines) {
      assert.deepEqual(await throwing(error), { code: 1, out: '', error: line })
    }
  })
})
