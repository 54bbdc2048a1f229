// The operations whose end is not known yet, and the lines to the realms that know it. Each is said again when
// its line comes back and when nothing was heard for a while; each ends once, in one transaction. What a member from abroad
// asks goes to their own realm, which alone can open it; how it ended is the word of the room's realm, and of no other.

import type { AnswersFrame } from '../../boundary/index.ts'
import { problem } from '../http/problem.ts'
import type { Surroundings } from '../ports.ts'
import type { Line } from '../realms/desk.ts'
import { type RoomChange, withResource } from '../rooms/room-change.ts'
import type { Applied, CoreStore, OperationRow } from '../store/store.ts'
import { homeOf, type Result, toFrameText } from './operation.ts'
import type { Release } from './turns.ts'
import { type Verdict, verdictOf } from './verdict.ts'

interface Open {
  readonly row: OperationRow
  readonly change: RoomChange
  /** The realm that says how it ended. */
  readonly home: string
  /** What the member's own realm said, where that is another one: it has the sealed words. */
  heard?: Verdict
  readonly release: Release
  readonly settle: (result: Result) => void
  isWithdrawing: boolean
  /** A verdict is being carried out. */
  isEnding: boolean
  saidAt: number
}

export interface OpenOperationsRules {
  /** After how long a realm that did not answer is asked again. */
  readonly askAgainAfterMs: number
  readonly onApplied: (applied: Applied) => Promise<void>
}

export class OpenOperations {
  readonly #open = new Map<string, Open>()
  readonly #lines = new Map<string, Line>()
  readonly #store: CoreStore
  readonly #rules: OpenOperationsRules
  readonly #surroundings: Surroundings

  constructor(store: CoreStore, rules: OpenOperationsRules, surroundings: Surroundings) {
    this.#store = store
    this.#rules = rules
    this.#surroundings = surroundings
  }

  hasLine(domain: string): boolean {
    return this.#lines.has(domain)
  }

  /** How many of this user have not ended. */
  countOf(userId: string): number {
    let count = 0
    for (const { row } of this.#open.values()) if (row.actor_id === userId) count += 1
    return count
  }

  /** Takes an operation that is written down already; it is said when its line is up. */
  take(row: OperationRow, release: Release): Promise<Result> {
    const { promise, resolve } = Promise.withResolvers<Result>()
    const operation: Open = {
      row,
      change: JSON.parse(row.change),
      home: homeOf(row.domain, JSON.parse(row.part)),
      release,
      settle: resolve,
      isWithdrawing: row.state === 'withdrawing',
      isEnding: false,
      saidAt: 0,
    }
    this.#open.set(row.id, operation)
    this.#say(operation)
    return promise
  }

  /** The client's patience is over: the operation ends as `rooms.withdrawn`, unless it was applied. */
  async withdraw(id: string): Promise<void> {
    const operation = this.#open.get(id)
    if (operation === undefined) return
    if (!(await this.#withdraw(operation))) return
    operation.settle(problem('core.realm-timeout'))
  }

  /** True if the frame answers one of these. */
  answered(domain: string, frame: AnswersFrame): boolean {
    const operation = this.#open.get(frame.id)
    if (operation === undefined) return false
    const { row, home } = operation
    if (domain !== row.domain && domain !== home) return false
    // A late word of the member's realm ends nothing any more, but may be what the member waits for.
    if (domain !== addressee(operation)) operation.heard ??= verdictOf(frame)
    else if (!operation.isEnding) void this.#end(operation, verdictOf(frame))
    return true
  }

  lineUp(domain: string, line: Line): void {
    this.#lines.set(domain, line)
    for (const operation of this.#open.values()) {
      if (addressee(operation) === domain) this.#say(operation)
    }
  }

  lineDown(domain: string, line: Line): void {
    if (this.#lines.get(domain) === line) this.#lines.delete(domain)
  }

  /** Says again what has waited too long. */
  sweep(): void {
    const before = this.#surroundings.now() - this.#rules.askAgainAfterMs
    for (const operation of this.#open.values()) {
      if (operation.saidAt <= before) this.#say(operation)
    }
  }

  #say(operation: Open): void {
    operation.saidAt = this.#surroundings.now()
    const line = this.#lines.get(addressee(operation))
    line?.send(toFrameText(operation.row, operation.isWithdrawing))
  }

  async #withdraw(operation: Open): Promise<boolean> {
    const isOpen = await this.#store.withdrawOperation(operation.row.id)
    if (!isOpen) return false
    operation.isWithdrawing = true
    this.#say(operation)
    return true
  }

  async #end(operation: Open, verdict: Verdict): Promise<void> {
    const { log, meter } = this.#surroundings
    operation.isEnding = true
    try {
      const isEnd = addressee(operation) === operation.home
      if (!isEnd) return await this.#turnHome(operation, verdict)
      const { heard, row } = operation
      if (heard?.kind === 'applied' && verdict.kind === 'withdrawn') {
        log.warn('operation.not-at-home', { id: row.id, realm: row.domain })
      }
      await this.#carryOut(operation, withHeard(operation, verdict))
      meter.operation(verdict.kind)
    } catch (error) {
      // It stays open, and the realm is asked again how it ended.
      log.error('operation.fault', { id: operation.row.id }, error)
    } finally {
      operation.isEnding = false
    }
  }

  async #carryOut(operation: Open, verdict: Verdict): Promise<void> {
    const { id } = operation.row
    switch (verdict.kind) {
      case 'applied':
        return await this.#apply(operation, verdict)
      case 'refused': {
        const { isUnread, kmsMessage } = verdict
        await this.#endAlone(id, 'refused')
        const code = isUnread ? 'core.kms-message-unread' : 'core.realm-refused'
        const sealed = kmsMessage === undefined ? problem(code) : { sealedRefusal: kmsMessage }
        return this.#close(operation, sealed)
      }
      case 'withdrawn':
        await this.#endAlone(id, 'withdrawn')
        return this.#close(operation, problem('core.realm-timeout'))
      case 'declined':
        // Not looked at this time. Whether it was before, only a withdrawal can tell for certain.
        if (!operation.isWithdrawing) await this.#withdraw(operation)
        operation.settle(problem(verdict.code))
    }
  }

  /** The member's realm has spoken: now the realm of the room says what became of it. */
  async #turnHome(operation: Open, verdict: Verdict): Promise<void> {
    operation.heard = verdict
    await this.#withdraw(operation)
    if (verdict.kind === 'declined') operation.settle(problem(verdict.code))
  }

  async #apply(operation: Open, { resourceUri, kmsMessage }: Verdict & { kind: 'applied' }) {
    const { row } = operation
    const change = await this.#completed(operation, resourceUri)
    const applied = await this.#store.finishOperation(row.id, change, this.#surroundings.now())
    // Nothing else ends operations of this process, so it can only be gone with its database.
    if (applied === undefined) return this.#close(operation, problem('core.fault'))
    this.#close(operation, kmsMessage === undefined ? { applied } : { applied, kmsMessage })
    await this.#rules.onApplied(applied)
  }

  /** A client that asked twice, because the first answer never came, gets the room that it has. */
  async #completed({ row, change }: Open, resourceUri: string | undefined): Promise<RoomChange> {
    if (row.kind !== 'create-resource' || resourceUri === undefined) return change
    const same = change.open && (await this.#store.roomOf(row.actor_id, resourceUri))
    return same === undefined ? withResource(change, resourceUri) : { roomId: same, activities: [] }
  }

  async #endAlone(operationId: string, state: 'refused' | 'withdrawn'): Promise<void> {
    await this.#store.endOperation({ operationId, state }, this.#surroundings.now())
  }

  #close(operation: Open, result: Result): void {
    this.#open.delete(operation.row.id)
    operation.release()
    operation.settle(result)
  }
}

/** Whom it is said to. */
const addressee = ({ row, home, isWithdrawing }: Open): string =>
  isWithdrawing ? home : row.domain

/**
 * The end, as the room's realm has it, with the sealed words of the realm that could open the message. What that one says of the
 * end counts for nothing: it might tell of a leave that it never passed on.
 */
const withHeard = ({ row, home, heard }: Open, verdict: Verdict): Verdict => {
  if (home === row.domain || heard === undefined) return verdict
  if (verdict.kind === 'applied' && heard.kind === 'applied') {
    return heard.kmsMessage === undefined ? verdict : { ...verdict, kmsMessage: heard.kmsMessage }
  }
  const isRefused = verdict.kind === 'withdrawn' && heard.kind === 'refused'
  return isRefused ? heard : verdict
}
