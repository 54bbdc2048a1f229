// The installed program: hands over to the realm or to the core, never to both. It runs in the Node that ships with it.

const [command, ...rest] = process.argv.slice(2)
const CORE_USAGE =
  'usage: keyrealm core --config <file>    (template: /usr/share/keyrealm/core.json)\n'
const EXIT_USAGE = 2

const runTheCore = async ([option, file, ...others]) => {
  if (option === '--help') {
    process.stdout.write(CORE_USAGE)
    return 0
  }
  if (option !== '--config' || file === undefined || others.length > 0) {
    process.stderr.write(CORE_USAGE)
    return EXIT_USAGE
  }
  const { runCore } = await import('./core/core.mjs')
  return runCore(file)
}

const runTheRealm = async () => {
  const { runKeyrealm } = await import('./realm/realm.mjs')
  return runKeyrealm(process.argv.slice(2))
}

const code = command === 'core' ? await runTheCore(rest) : await runTheRealm()
// Not process.exitCode alone: a handle that a library forgot must not keep a stopped process alive.
process.exit(code ?? process.exitCode)
