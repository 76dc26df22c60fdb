/**
 * What is known about one sensor, and when it may be asked again.
 *
 * States
 * - `new`     not asked yet, or its first answer is still to come
 * - `ok`      the last measurement worked
 * - `unsure`  its answers were broken (check sum, length), at most twice in a row: that costs these
 *             readings only, the sensor is not opened anew and asked at the next tick
 * - `lost`    it does not answer, or not with anything usable; it is opened anew at the first tick
 *             after `retryAtMs`
 *
 * A sensor that fails at once is asked again soon, so that one plugged back reads on. One that hung
 * twice is left alone for longer: each try takes the whole time limit from its neighbours on the bus.
 */

/** Between two tries of a sensor that fails at once. */
export const RETRY_MS = 200;
/** After a time limit has passed again, in which the bus was blocked. */
export const RETRY_HUNG_MS = 10_000;

/** An answer came, but a broken one. */
const BROKEN: readonly string[] = ['BAD_CRC', 'EIO', 'NOT_READY'];
const MAX_BROKEN = 2;

interface Failure {
  readonly code: string;
  readonly message: string;
}

export type Health =
  | { readonly kind: 'new' }
  | { readonly kind: 'ok' }
  | ({ readonly kind: 'unsure'; readonly broken: number } & Failure)
  | ({ readonly kind: 'lost'; readonly retryAtMs: number } & Failure);

export type HealthEvent =
  { readonly type: 'measured' } | ({ readonly type: 'failed'; readonly nowMs: number } & Failure);

/** The transition, for an event and a log line; undefined when nothing changed. */
export type HealthChange = 'found' | 'lost' | undefined;

export function mayMeasure(health: Health, nowMs: number): boolean {
  return health.kind !== 'lost' || nowMs >= health.retryAtMs;
}

export function step(
  health: Health,
  event: HealthEvent,
): { readonly state: Health; readonly change: HealthChange } {
  switch (event.type) {
    case 'measured': {
      const known = health.kind === 'ok' || health.kind === 'unsure';
      return { state: { kind: 'ok' }, change: known ? undefined : 'found' };
    }
    case 'failed':
      return onFailure(health, event);
  }
}

function onFailure(
  health: Health,
  { code, message, nowMs }: Extract<HealthEvent, { type: 'failed' }>,
): { readonly state: Health; readonly change: HealthChange } {
  const answered = health.kind === 'ok' || health.kind === 'unsure';
  const broken = health.kind === 'unsure' ? health.broken + 1 : 1;
  if (answered && BROKEN.includes(code) && broken <= MAX_BROKEN) {
    return { state: { kind: 'unsure', broken, code, message }, change: undefined };
  }
  const hungBefore = !answered && code === 'ETIMEDOUT';
  const retryAtMs = nowMs + (hungBefore ? RETRY_HUNG_MS : RETRY_MS);
  return {
    state: { kind: 'lost', code, message, retryAtMs },
    change: health.kind === 'lost' ? undefined : 'lost',
  };
}

/** The state as it stands in the status hash. */
export function healthText(health: Health): string {
  switch (health.kind) {
    case 'new':
    case 'ok':
      return health.kind;
    case 'unsure':
    case 'lost':
      return `${health.kind}: ${health.code} ${health.message}`;
  }
}
