// Which machine may do what, as the log itself told it up to some entry: the standing grants that explain a release.
// Pure; it knows as many accounts and rooms as administrators have named.

/** The members that matter here, as written by our own encoder; anything may be missing. */
export interface Told {
  readonly action?: string
  readonly outcome?: string
  readonly time?: string
  readonly actor?: { readonly id?: string; readonly kind?: string }
  readonly clientId?: string
  readonly type?: string
  readonly keys?: readonly string[]
  readonly uses?: readonly { readonly key: string }[]
  readonly resource?: string
  readonly subjects?: readonly string[]
  readonly details?: Readonly<Record<string, unknown>>
}

/** Features by which keys reach a machine over the wire. */
const OVER_THE_WIRE = ['read-keys', 'bind-keys']

export class Grants {
  /** By pseudonym; `feature scope`. */
  readonly #granted = new Map<string, Set<string>>()
  readonly #leftOut = new Set<string>()

  add(told: Told): void {
    const { action, resource } = told
    if (action === 'index.room-left-out') this.#leftOut.add(resource ?? '')
    if (action === 'index.room-let-in') this.#leftOut.delete(resource ?? '')
    const machine = told.subjects?.[0]
    if (machine === undefined) return
    const scope = `${told.details?.['feature']} ${resource ?? 'all'}`
    if (action === 'machine.granted') this.#of(machine).add(scope)
    if (action === 'machine.revoked') this.#of(machine).delete(scope)
    if (action === 'machine.disabled') this.#granted.delete(machine)
  }

  /** Had this machine been granted what let the keys go? */
  explains({ action, actor, resource }: Told): boolean {
    const granted = this.#granted.get(actor?.id ?? '')
    if (granted === undefined) return false
    const isIndexed = action === 'index.keys-used'
    if (isIndexed && this.#leftOut.has(resource ?? '')) return false
    const isAnywhere = resource === undefined
    return (isIndexed ? ['index'] : OVER_THE_WIRE).some(
      (feature) =>
        granted.has(`${feature} all`) ||
        granted.has(`${feature} ${resource}`) ||
        // New keys are of no room yet.
        (isAnywhere && [...granted].some((scope) => scope.startsWith(`${feature} `))),
    )
  }

  #of(machine: string): Set<string> {
    const known = this.#granted.get(machine) ?? new Set()
    this.#granted.set(machine, known)
    return known
  }
}
