/**
 * Registrations in progress. `register` starts an operation; the device asks for it until it is
 * finished. States:
 *
 * - assigning: the work (allocation, moving data) goes on, or it is done but the device has not yet
 *   polled as often as configured. Leaves by `finish` and enough polls.
 * - finished: answers the result to every poll until its time to live is over; then the operation
 *   is unknown (404203).
 */

export interface Operation<Result> {
  readonly id: string;
  readonly registrationId: string;
  readonly createdMs: number;
  /** Polls that are still answered "assigning". */
  readonly pollsLeft: number;
  readonly result: Result | undefined;
}

export type PollResult<Result> =
  | { readonly kind: 'unknown' }
  | { readonly kind: 'assigning' }
  | { readonly kind: 'finished'; readonly result: Result };

export class Operations<Result> {
  readonly #ttlMs: () => number;
  /** In the order of their creation. */
  readonly #all = new Map<string, Operation<Result>>();

  constructor(ttlMs: () => number) {
    this.#ttlMs = ttlMs;
  }

  get size(): number {
    return this.#all.size;
  }

  /** @param polls how many polls are answered "assigning" though the work may be done before */
  start(id: string, registrationId: string, polls: number, nowMs: number): void {
    this.#expire(nowMs);
    const operation = { id, registrationId, createdMs: nowMs, pollsLeft: polls, result: undefined };
    this.#all.set(id, operation);
  }

  finish(id: string, result: Result): void {
    const operation = this.#all.get(id);
    if (operation !== undefined) this.#all.set(id, { ...operation, result });
  }

  /** Another device's operation is as unknown as one that never was. */
  poll(id: string, registrationId: string, nowMs: number): PollResult<Result> {
    this.#expire(nowMs);
    const operation = this.#all.get(id);
    if (operation === undefined || operation.registrationId !== registrationId) {
      return { kind: 'unknown' };
    }
    if (operation.pollsLeft > 0) {
      this.#all.set(id, { ...operation, pollsLeft: operation.pollsLeft - 1 });
      return { kind: 'assigning' };
    }
    if (operation.result === undefined) return { kind: 'assigning' };
    return { kind: 'finished', result: operation.result };
  }

  #expire(nowMs: number): void {
    const ttlMs = this.#ttlMs();
    for (const [id, operation] of this.#all) {
      if (operation.createdMs + ttlMs > nowMs) break;
      this.#all.delete(id);
    }
  }
}
