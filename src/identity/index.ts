// The door of identity: who is asking, and how we know it.
// The two names from crypto are what the IdentityProvider port speaks of; `links` gets them here.

export { parseJwks, type VerificationKey } from '../crypto/index.ts'

export {
  type AuthenticateOptions,
  type Authenticator,
  type AuthenticatorSettings,
  createAuthenticator,
} from './authenticate.ts'
export { type ClaimsAt, KMS_SCOPE, personFromClaims } from './bearer.ts'
export type { TrustedIssuer } from './issuer.ts'
export type {
  Bearers,
  IdentityProvider,
  Introspection,
  IntrospectionQuestion,
  KeysQuestion,
} from './ports.ts'
export type {
  Anonymous,
  Peer,
  PeerConnection,
  Person,
  Principal,
  Service,
} from './principal.ts'
