// The core's own entry: its own process, its own settings file. It shares no code with the realm but the frames
// between them, the runtime and the ground files.

import { createLog, createMetrics, runUntilStopped, systemClock } from '../runtime/index.ts'
import { seconds } from '../time.ts'
import { type CoreSettings, loadSettings, SettingsError } from './config.ts'
import { type RunningCore, startCore } from './core.ts'

const EXIT_UNUSABLE_SETTINGS = 78

/** Runs a core until it is told to stop; sets the exit code. Settings that cannot be used are printed. */
export const runCore = async (configFile: string): Promise<void> => {
  const settings = usable(configFile)
  if (settings === undefined) return
  const log = createLog({
    level: settings.log.level,
    ...(settings.log.file === undefined ? {} : { file: settings.log.file }),
  })
  const metrics = createMetrics({ prefix: 'core', process: 'measured' })
  let running: RunningCore | undefined
  const core = {
    name: 'core',
    async start() {
      running = await startCore({ settings, log, metrics, clock: systemClock })
      const { baseUrl, port, linkPort, healthPort } = running
      log.info('core.listening', { baseUrl, port, linkPort, healthPort })
    },
    async stop() {
      await running?.stop()
    },
  }
  process.exitCode = await runUntilStopped({ parts: [core], log, stopWithin: seconds(10) })
}

const usable = (configFile: string): CoreSettings | undefined => {
  try {
    return loadSettings(configFile)
  } catch (error) {
    if (!(error instanceof SettingsError)) throw error
    process.stderr.write(`The core's settings cannot be used.\n${error.message}\n`)
    process.exitCode = EXIT_UNUSABLE_SETTINGS
    return undefined
  }
}
