// What openStore needs to know. Files have been read and secrets resolved by then; nothing here is a path
// to a secret, and nothing here is a switch that makes the store less durable or less careful.

export interface SqliteSettings {
  readonly kind: 'sqlite'
  /** Made with its directory if absent: file 0600, directory 0700. */
  readonly file: string
}

export interface PostgresTls {
  /** The authorities that may vouch for the server, PEM. The server's name is always checked. */
  readonly caPem: string
  /** Our own certificate chain and key, PEM, where the server asks for one. */
  readonly certificatePem?: string
  readonly keyPem?: string
  /** The name in the server's certificate, where it is not the host connected to. */
  readonly serverName?: string
}

export interface PostgresSettings {
  readonly kind: 'postgres'
  /**
   * `postgres://user@host:port/database`, each part percent-encoded; a host that starts with `/` is the
   * folder of a Unix socket. Parameters after `?` are refused: they can switch off TLS.
   */
  readonly url: string
  /** Instead of one in the URL. */
  readonly password?: string
  /** Required unless the host is this machine. TLS 1.3. */
  readonly tls?: PostgresTls
  /** Connections at most; writers take turns anyway, so a handful serves readers beside one writer. */
  readonly poolSize: number
}

export type StoreSettings = SqliteSettings | PostgresSettings

/**
 * What is done about a database that an older program made: nothing, and it is not opened; or it is brought to this
 * program's schema, from which there is no way back but a backup.
 */
export type Upgrading = 'refused' | 'allowed'
