// The part of oidc-provider 9 used here; the package ships no types.
declare module 'oidc-provider' {
  import type { IncomingMessage, ServerResponse } from 'node:http'

  export interface Interaction {
    readonly uid: string
    readonly prompt: { readonly name: string }
    readonly params: Readonly<Record<string, unknown>>
  }

  export interface Grant {
    addResourceScope(resource: string, scope: string): void
    save(): Promise<string>
  }

  export interface Client {
    readonly clientId: string
  }

  export interface Token {
    readonly accountId?: string
    readonly clientId?: string
    readonly aud?: string | readonly string[]
  }

  export interface OidcContext {
    readonly oidc: {
      readonly route: string
      readonly params: Readonly<Record<string, unknown>>
      readonly provider: Provider
      readonly client: Client
      readonly session: { readonly accountId: string }
      readonly resourceServers?: Readonly<Record<string, { readonly scope: string }>>
    }
  }

  export class Provider {
    constructor(issuer: string, configuration: object)
    readonly issuer: string
    readonly Grant: new (wanted: {
      readonly clientId: string
      readonly accountId: string
    }) => Grant
    callback(): (request: IncomingMessage, response: ServerResponse) => void
    interactionDetails(request: IncomingMessage, response: ServerResponse): Promise<Interaction>
    interactionFinished(
      request: IncomingMessage,
      response: ServerResponse,
      result: object,
    ): Promise<void>
    on(event: 'server_error', listener: (context: OidcContext, error: Error) => void): this
  }

  export namespace errors {
    class InvalidTarget extends Error {
      constructor(description?: string)
    }
    class InvalidScope extends Error {
      constructor(description: string, scope: string)
    }
    class SessionNotFound extends Error {}
  }
}
