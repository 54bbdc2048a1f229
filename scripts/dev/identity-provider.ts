// The development OpenID provider as a process of its own. SIGHUP adds a signing key, SIGTERM and SIGINT stop it.
// It refuses unknown options, and cannot be made to listen on anything but loopback. Never for production.
//   node scripts/dev/identity-provider.ts --data DIR --port N --cert FILE --key FILE
import { parseArgs } from 'node:util'
import { startIdentityProvider } from './openid/serve.ts'

const { values } = parseArgs({
  options: {
    data: { type: 'string' },
    port: { type: 'string' },
    cert: { type: 'string' },
    key: { type: 'string' },
  },
})

const provider = await startIdentityProvider({
  directory: required('data'),
  port: Number(required('port')),
  certificateFile: required('cert'),
  keyFile: required('key'),
})
process.on('SIGHUP', () => provider.rotateSigningKey())
for (const signal of ['SIGTERM', 'SIGINT'] as const) process.on(signal, () => void provider.close())
console.log(`identity provider ready at ${provider.issuer} (development only)`)

function required(option: keyof typeof values): string {
  const value = values[option]
  if (value === undefined) throw new Error(`--${option} is missing.`)
  return value
}
