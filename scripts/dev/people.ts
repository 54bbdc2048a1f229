// The people of the two development organisations, with ids that never change, so that recorded data stays theirs.
// Development only: every password can be read from the name, and the sign-in page shows it.

export interface Person {
  readonly name: string
  /** The UUID used as `sub` in tokens and as user id in the KMS protocol. */
  readonly id: string
  readonly email: string
  readonly organizationId: string
  /** Short name of the realm the person belongs to. */
  readonly realm: string
  readonly roles: readonly string[]
}

export interface Organization {
  readonly id: string
  readonly realm: string
  readonly domain: string
}

const ACME: Organization = {
  id: '5f1d7c52-4d0e-4a57-9c8b-0a6e3b1f2ac1',
  realm: 'acme',
  domain: 'kms.acme.example',
}
const GLOBEX: Organization = {
  id: 'c3a9e1d4-7b26-4f68-8e15-92d4b7c05e6f',
  realm: 'globex',
  domain: 'kms.globex.example',
}

export const ORGANIZATIONS: readonly Organization[] = [ACME, GLOBEX]

/** May read on behalf of others of the own organisation. */
export const OFFICER_ROLE = 'spark.kms_orgagent'
/** May run the appliance. */
export const ADMINISTRATOR_ROLE = 'keyrealm.administrator'

export const PEOPLE: readonly Person[] = [
  person(ACME, 'alice', '0b8f6a3e-51c7-4d92-a6be-3f7d20c9e114'),
  person(ACME, 'bob', '27d4c915-8e3a-4b0f-9d61-c5a8f47b6302'),
  person(ACME, 'carol', '4e9a02b7-d6f1-4c38-8a75-61be9f03d2c8'),
  person(ACME, 'olivia', '93c57e10-2ba4-4f6d-b8e9-d70a14f5836b', [OFFICER_ROLE]),
  person(ACME, 'adam', 'a86b1d4f-f39c-4e27-95d0-08e7c2ba715d', [ADMINISTRATOR_ROLE]),
  person(GLOBEX, 'gina', 'd15e8f92-6c0b-4a73-8f24-b94e07d3a65c'),
  person(GLOBEX, 'greg', 'f7302ca8-19de-45b6-a0c4-5d8f6e91b237'),
]

export function personNamed(name: string): Person {
  const found = PEOPLE.find((one) => one.name === name)
  if (!found) throw new Error(`Nobody is called "${name}" in scripts/dev/people.ts.`)
  return found
}

export function developmentPassword({ name }: Pick<Person, 'name'>): string {
  return `${name}-development`
}

function person(at: Organization, name: string, id: string, roles: readonly string[] = []): Person {
  const email = `${name}@${at.domain.replace(/^kms\./, '')}`
  return { name, id, email, organizationId: at.id, realm: at.realm, roles }
}
