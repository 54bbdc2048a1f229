// From the engine's source to the file that carries it: assembled by wabt, then base64 in a TypeScript file, so that
// nothing has to be found on disk when a realm or one of its threads starts.

import wabt from 'wabt'
import { tokenEngineText } from './token-engine.ts'

/** Characters of base64 a line: a multiple of 4, so that no line depends on another. */
const LINE = 92

/** The module. The same source gives the same bytes, whenever and wherever. */
export const assemble = async (): Promise<Uint8Array> => {
  const tool = await wabt()
  const parsed = tool.parseWat('token-engine.wat', tokenEngineText(), {
    simd: true,
    bulk_memory: true,
  })
  try {
    parsed.validate()
    return parsed.toBinary({}).buffer
  } finally {
    parsed.destroy()
  }
}

/** The text of `src/crypto/token-engine-wasm.ts`. */
export const moduleText = (module: Uint8Array): string => {
  const base64 = Buffer.from(module).toString('base64')
  const lines = base64.match(new RegExp(`.{1,${LINE}}`, 'g')) ?? []
  return `// The token engine in WebAssembly. Made by scripts/build-wasm.ts from scripts/wasm/token-engine.ts; never edited.
// test/unit/crypto/token-engine-wasm.test.ts builds it again and compares the bytes.

export const TOKEN_ENGINE_BASE64 = \`
${lines.join('\n')}
\`
`
}
