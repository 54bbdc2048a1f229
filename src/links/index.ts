// The door of `links`: every connection we make.

export { type CoreLink, type CoreLinkOptions, openCoreLink } from './core-link.ts'
export {
  createIdentityProvider,
  type IdentityProviderLink,
  type IdentityProviderSettings,
} from './identity-provider.ts'
export { type WitnessPlace, witnessAt } from './witness-call.ts'
