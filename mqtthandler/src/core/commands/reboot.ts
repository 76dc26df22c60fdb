/**
 * A reboot asked for from afar, from the request to the answer after it.
 *
 * States
 * - (none): no reboot is asked for.
 * - asked: stored, answered `running`. The supervisor is asked after a pause, so that the answer is
 *   out and Redis has written its file. Leaves for (none) when the device is seen with another boot
 *   id (answer `done`), when the supervisor refuses (`busy`, `failed`), or when it said yes and
 *   nothing happened for `NO_REBOOT_MS` (`failed`). A restart of the process alone asks again: asking
 *   twice before one reboot does no harm.
 *
 * Source: balena supervisor API, POST /v1/reboot: 202 accepted, 423 while an update lock is held.
 */
import { isObject } from './json.ts';
import type { JsonObject } from './json.ts';
import { refusal } from './refusal.ts';
import type { Refusal } from './refusal.ts';

export interface RebootRequest {
  readonly recordKey: string;
  readonly source: string;
  readonly echo: JsonObject;
  /** Kernel boot id when it was asked for. */
  readonly bootId: string;
  readonly takenMs: number;
  readonly expiresMs?: number;
}

/** Between the answer `running` and the supervisor: longer than Redis' `everysec`. */
export const BEFORE_REBOOT_MS = 1_500;
/** A supervisor that said yes does it within this time, or never. */
export const NO_REBOOT_MS = 300_000;
export const REBOOT_ATTEMPTS = 2;
export const REBOOT_RETRY_MS = 2_000;

/** What came back from the supervisor. */
export type SupervisorReply =
  { readonly status: number; readonly words: string } | { readonly status: 'no_answer' };

export type RebootVerdict =
  | { readonly kind: 'coming' }
  | { readonly kind: 'refused'; readonly refusal: Refusal }
  | { readonly kind: 'try_again'; readonly refusal: Refusal };

export function classifyReboot(reply: SupervisorReply): RebootVerdict {
  if (reply.status === 'no_answer') {
    return { kind: 'try_again', refusal: refusal('failed', 'the supervisor does not answer') };
  }
  const { status, words } = reply;
  if (status >= 200 && status < 300) return { kind: 'coming' };
  if (status === 423) return { kind: 'refused', refusal: refusal('busy', words) };
  if (status === 401 || status === 403) {
    return { kind: 'refused', refusal: refusal('failed', 'the supervisor refuses our key') };
  }
  const why = refusal('failed', `the supervisor answers ${status}: ${words}`);
  return status >= 500 || status === 429
    ? { kind: 'try_again', refusal: why }
    : { kind: 'refused', refusal: why };
}

export function encodeReboot(request: RebootRequest): string {
  return JSON.stringify(request);
}

export function decodeReboot(text: string | null): RebootRequest | undefined {
  if (text === null) return undefined;
  try {
    const value: unknown = JSON.parse(text);
    if (!isObject(value) || !isObject(value['echo'])) return undefined;
    const texts = ['recordKey', 'source', 'bootId'];
    return texts.every((name) => typeof value[name] === 'string') &&
      typeof value['takenMs'] === 'number'
      ? (value as unknown as RebootRequest)
      : undefined;
  } catch {
    return undefined;
  }
}
