// A new session (draft §4.7.1): its key is wrapped and stored before the client hears of it. Other
// sessions of the device stay alive: real clients go on using them until their own timer fires.

import type { PublicJwkP256, SecretBytes } from '../../crypto/index.ts'
import { Fault } from '../../fault.ts'
import type { SessionUri } from '../../id.ts'
import { refuse } from '../../refusal.ts'
import { after, toRfc3339 } from '../../time.ts'
import type { Answer } from '../corridor/answer.ts'
import type { Asked } from '../corridor/case.ts'
import { type Moment, type OperationOf, operation } from '../corridor/operation.ts'
import type { Session } from '../session.ts'

/** Two halves agreed on a channel key; the session is not stored yet. */
export interface Agreement {
  readonly sessionUri: SessionUri
  readonly channelKey: SecretBytes
  /** The realm's half, for the client. */
  readonly publicJwk: PublicJwkP256
}

const agreementOf = (asked: Asked<OperationOf<'create-session'>>): Agreement => {
  if (asked.agreement === undefined) throw new Fault('kms.no-agreement')
  return asked.agreement
}

const sessionFor = (asked: Asked<OperationOf<'create-session'>>, moment: Moment): Session => {
  const { settings, keyring } = moment.means
  const { sessionUri, channelKey } = agreementOf(asked)
  const organizationId = asked.by.organizationId ?? settings.organizations[0]
  return {
    uri: sessionUri,
    principalId: asked.subject,
    organizationId,
    clientId: asked.clientId,
    createdAt: moment.now,
    expiresAt: after(moment.now, settings.sessionLifetime),
    wrapped: keyring.wrap(organizationId, 'session', sessionUri, channelKey.expose()),
  }
}

const answerFor = (session: Session, agreement: Agreement): Answer => ({
  status: 201,
  members: {
    key: {
      uri: session.uri,
      jwk: agreement.publicJwk,
      userId: session.principalId,
      clientId: session.clientId,
      createDate: toRfc3339(session.createdAt),
      expirationDate: toRfc3339(session.expiresAt),
    },
  },
})

export const createSession = operation('create-session', {
  runsTogether: false,
  load: ({ tx, now }, asked) =>
    Promise.all(asked.map((one) => tx.sessions.countLive(one.subject, one.clientId, now))),
  decide: (live, _asked, { means: { settings } }) =>
    live.ofDevice < settings.sessionsPerDevice && live.ofPrincipal < settings.sessionsPerUser
      ? undefined
      : refuse('kms.too-many-sessions'),
  act: async (moment, decided) => {
    const answers: Answer[] = []
    for (const { asked } of decided) {
      const session = sessionFor(asked, moment)
      await moment.tx.sessions.insert(session)
      await moment.tx.keyring.countWraps(session.wrapped.keyEncryptionKeyId, 1)
      answers.push(answerFor(session, agreementOf(asked)))
    }
    return answers
  },
  record: (_live, asked, answer) => ({
    action: 'session.created',
    type: 'EPHEMERAL_KEY_COLLECTION',
    ...(answer === undefined ? {} : { keys: [agreementOf(asked).sessionUri] }),
  }),
})
