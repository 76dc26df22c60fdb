/**
 * What is known about one sensor, and when it may be asked again.
 *
 * States
 * - `new`   not asked yet, or its first answer is still to come
 * - `ok`    the last measurement worked
 * - `lost`  the last one failed; it is opened anew at the first tick after `retryAtMs`
 *
 * A sensor that fails at once is asked again soon, so that one plugged back reads on. One that hung
 * is left alone for longer: each try takes the whole time limit from its neighbours on the bus.
 */

/** Between two tries of a sensor that fails at once. */
export const RETRY_MS = 200;
/** After a time limit has passed, in which the bus was blocked. */
export const RETRY_HUNG_MS = 10_000;

export type Health =
  | { readonly kind: 'new' }
  | { readonly kind: 'ok' }
  | {
      readonly kind: 'lost';
      readonly code: string;
      readonly message: string;
      readonly retryAtMs: number;
    };

export type HealthEvent =
  | { readonly type: 'measured' }
  | {
      readonly type: 'failed';
      readonly code: string;
      readonly message: string;
      readonly nowMs: number;
    };

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
    case 'measured':
      return { state: { kind: 'ok' }, change: health.kind === 'ok' ? undefined : 'found' };
    case 'failed': {
      const { code, message, nowMs } = event;
      const retryAtMs = nowMs + (code === 'ETIMEDOUT' ? RETRY_HUNG_MS : RETRY_MS);
      return {
        state: { kind: 'lost', code, message, retryAtMs },
        change: health.kind === 'lost' ? undefined : 'lost',
      };
    }
  }
}

/** The state as it stands in the status hash. */
export function healthText(health: Health): string {
  return health.kind === 'lost' ? `lost: ${health.code} ${health.message}` : health.kind;
}
