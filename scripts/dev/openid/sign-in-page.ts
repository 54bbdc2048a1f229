// The page on which a development person signs in: pick a name, type the password that is printed beside it.
// It refuses a wrong password, and every page but its own: `/interaction/<uid>`.
import { timingSafeEqual } from 'node:crypto'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { html } from 'hono/html'
import { errors, type Provider } from 'oidc-provider'
import { developmentPassword, PEOPLE, type Person } from '../people.ts'

const LONGEST_FORM_BYTES = 4096

export interface Visit {
  readonly provider: Provider
  readonly request: IncomingMessage
  readonly response: ServerResponse
}

export function isSignInPage(request: IncomingMessage): boolean {
  return request.url?.startsWith('/interaction/') ?? false
}

export async function answerSignInPage(visit: Visit): Promise<void> {
  try {
    if (visit.request.method === 'POST') await signIn(visit)
    else await showForm(visit)
  } catch (error) {
    if (!(error instanceof errors.SessionNotFound)) throw error
    visit.response.writeHead(400, { 'content-type': 'text/plain' })
    visit.response.end('This sign-in has expired. Start again.\n')
  }
}

async function showForm({ provider, request, response }: Visit): Promise<void> {
  const { uid } = await provider.interactionDetails(request, response)
  await sendPage(response, 200, uid)
}

async function signIn({ provider, request, response }: Visit): Promise<void> {
  const { uid } = await provider.interactionDetails(request, response)
  const form = await readForm(request)
  const person = PEOPLE.find((one) => one.name === form.get('name'))
  if (!person || !isPassword(person, form.get('password') ?? '')) {
    return await sendPage(response, 403, uid, 'Wrong name or password.')
  }
  await provider.interactionFinished(request, response, { login: { accountId: person.id } })
}

function isPassword(person: Person, given: string): boolean {
  const wanted = Buffer.from(developmentPassword(person))
  const bytes = Buffer.from(given)
  return bytes.length === wanted.length && timingSafeEqual(bytes, wanted)
}

async function readForm(request: IncomingMessage): Promise<URLSearchParams> {
  const chunks: Buffer[] = []
  let sizeBytes = 0
  for await (const chunk of request) {
    const bytes = Buffer.from(chunk)
    sizeBytes += bytes.length
    if (sizeBytes > LONGEST_FORM_BYTES) break
    chunks.push(bytes)
  }
  return new URLSearchParams(Buffer.concat(chunks).toString('utf8'))
}

async function sendPage(
  response: ServerResponse,
  status: number,
  uid: string,
  complaint = '',
): Promise<void> {
  const page = await html`<!doctype html>
<html lang="en">
<meta charset="utf-8">
<title>Sign in (development only)</title>
<h1>Sign in</h1>
<p>Development only: everybody's password is on this page.</p>
<p role="alert">${complaint}</p>
<form method="post" action="/interaction/${uid}">
<label>Name <input name="name" autocomplete="username" required autofocus></label>
<label>Password <input name="password" type="password" required></label>
<button>Sign in</button>
</form>
<table>
<tr><th>Name</th><th>Password</th><th>Realm</th><th>Roles</th></tr>
${PEOPLE.map((one) => personRow(one))}
</table>
</html>`
  response.writeHead(status, {
    'content-type': 'text/html; charset=utf-8',
    'cache-control': 'no-store',
    'content-security-policy': "default-src 'none'; frame-ancestors 'none'",
  })
  response.end(page.toString())
}

function personRow(person: Person) {
  return html`<tr><td>${person.name}</td><td>${developmentPassword(person)}</td>
<td>${person.realm}</td><td>${person.roles.join(' ')}</td></tr>
`
}
