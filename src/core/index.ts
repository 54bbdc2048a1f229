// The door of `core`. No room of the realm may open it; the command-line launcher and tests do.

export { type CoreSettings, loadSettings, parseSettings, SettingsError } from './config.ts'
export { type CoreOptions, type RunningCore, startCore } from './core.ts'
export { runCore } from './main.ts'
