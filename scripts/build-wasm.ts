// Builds the token engine again: node scripts/build-wasm.ts writes src/crypto/token-engine-wasm.ts.

import { writeFileSync } from 'node:fs'
import { assemble, moduleText } from './wasm/module-text.ts'

const module = await assemble()
const file = new URL('../src/crypto/token-engine-wasm.ts', import.meta.url)
writeFileSync(file, moduleText(module))
console.log(`${module.length} bytes of WebAssembly`)
