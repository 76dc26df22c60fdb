/**
 * How often the service may be called. Registrations (with lookups, which the documents count as
 * such) and status polls are limited apart, per service and minute; polls also per device.
 *
 * A window slides: at any time the last `windowMs` hold at most `limit` calls. Refused calls do not
 * count, so a device that waits as long as it was told gets through.
 */

export type Admission =
  | { readonly ok: true }
  /** When a place gets free, milliseconds from now, more than 0. */
  | { readonly ok: false; readonly retryAfterMs: number };

export interface Limit {
  readonly count: number;
  readonly windowMs: number;
}

export class SlidingWindow {
  readonly #limit: () => Limit;
  /** Times of the calls admitted, oldest first; at most as many as the largest limit. */
  #times: number[] = [];

  /** @param limit asked anew with each call: it may change while the service runs */
  constructor(limit: () => Limit) {
    this.#limit = limit;
  }

  take(nowMs: number): Admission {
    const { count, windowMs } = this.#limit();
    this.#forget(nowMs - windowMs);
    if (this.#times.length < count) {
      this.#times.push(nowMs);
      return { ok: true };
    }
    // With the limit lowered meanwhile, more than one call has to leave the window first.
    const leaving = this.#times[this.#times.length - count] ?? nowMs;
    return { ok: false, retryAfterMs: Math.max(1, leaving + windowMs - nowMs) };
  }

  isIdle(nowMs: number): boolean {
    this.#forget(nowMs - this.#limit().windowMs);
    return this.#times.length === 0;
  }

  #forget(untilMs: number): void {
    let gone = 0;
    while (gone < this.#times.length && (this.#times[gone] ?? 0) <= untilMs) gone += 1;
    if (gone > 0) this.#times.splice(0, gone);
  }
}

export interface DpsLimits {
  /** Registrations and lookups a minute, of all devices. */
  readonly registrationsPerMinute: number;
  /** Status polls a minute, of all devices. */
  readonly pollsPerMinute: number;
  /** Status polls of one device in ten seconds. */
  readonly devicePollsPer10Seconds: number;
}

/** The documented quotas of one service instance (2024-03). */
export const AZURE_LIMITS: DpsLimits = {
  registrationsPerMinute: 1_000,
  pollsPerMinute: 1_000,
  devicePollsPer10Seconds: 5,
};

const MINUTE_MS = 60_000;
/** How many quiet devices are remembered before they are swept out. */
const SWEEP_DEVICES = 1_000;

/** The three limits together; a call is asked of all that apply, the longest wait is answered. */
export class Throttle {
  limits: DpsLimits;
  readonly #registrations = new SlidingWindow(() => ({
    count: this.limits.registrationsPerMinute,
    windowMs: MINUTE_MS,
  }));
  readonly #polls = new SlidingWindow(() => ({
    count: this.limits.pollsPerMinute,
    windowMs: MINUTE_MS,
  }));
  readonly #devices = new Map<string, SlidingWindow>();

  constructor(limits: DpsLimits) {
    this.limits = limits;
  }

  registration(nowMs: number): Admission {
    return this.#registrations.take(nowMs);
  }

  poll(registrationId: string, nowMs: number): Admission {
    const device = this.#device(registrationId, nowMs).take(nowMs);
    return device.ok ? this.#polls.take(nowMs) : device;
  }

  #device(registrationId: string, nowMs: number): SlidingWindow {
    const known = this.#devices.get(registrationId);
    if (known !== undefined) return known;
    if (this.#devices.size >= SWEEP_DEVICES) {
      for (const [id, window] of this.#devices) if (window.isIdle(nowMs)) this.#devices.delete(id);
    }
    const window = new SlidingWindow(() => ({
      count: this.limits.devicePollsPer10Seconds,
      windowMs: 10_000,
    }));
    this.#devices.set(registrationId, window);
    return window;
  }
}
