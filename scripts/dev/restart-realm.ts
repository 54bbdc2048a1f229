// Kills a realm of the running development world (kill -9), starts it again, and returns when it answers.
// It refuses to touch a process itself: the world does, so that Ctrl-C there still stops everything.
//   node scripts/dev/restart-realm.ts DATA NAME
import { askToRestart } from './supervise/control.ts'

const [dataDirectory, name] = process.argv.slice(2)
if (!dataDirectory || !name) {
  console.error('Usage: restart-realm.ts DATA NAME')
  process.exit(2)
}
try {
  console.log(await askToRestart(dataDirectory, name))
} catch (error) {
  console.error(error instanceof Error ? error.message : String(error))
  process.exitCode = 1
}
