/**
 * An Azure IoT Hub as a destination. Which hub, and with what token, the provisioner says
 * (`hub:credentials`); how each attempt fares is told to it (`hub_sender:link`), and it decides what
 * follows. When to try again by ourselves: core/hub/attempts.ts.
 */
import type { Clock, Random } from '@holdfast/kit';
import { TransientError, errorMessage } from '@holdfast/kit';
import { FREE, attemptStep, dueMs, heldSince, rateShare } from '../../core/hub/attempts.ts';
import type { AttemptEvent, AttemptRules, AttemptState } from '../../core/hub/attempts.ts';
import type { ConnectOutcome } from '../../core/hub/classify.ts';
import { isRenewed, targetOf } from '../../core/hub/credentials.ts';
import type { HubCredentials } from '../../core/hub/credentials.ts';
import { MAX_MESSAGE_BYTES, PROPERTY_BYTES } from '../../core/hub/wire.ts';
import type { Attempts, Destination, Session, SessionEnd } from '../../ports.ts';
import type { Bell } from '../../bell.ts';
import { sleepOrRing } from '../../sleep-or-ring.ts';
import { HubRefused } from './hub-client.ts';
import { HubSession } from './hub-session.ts';
import type { HubConnection } from './hub-session.ts';
import type { LinkFields } from './link-report.ts';

export interface HubSettings {
  readonly maxMessageBytes: number;
  readonly maxInFlight: number;
  readonly pubackTimeoutMs: number;
  readonly rules: AttemptRules;
}

/** What the provisioner publishes. */
export interface PublishedCredentials {
  /** Undefined while there are none. */
  readonly current: HubCredentials | undefined;
  /** Rung when `current` has changed. */
  readonly changed: Bell;
}

/** Where is told how attempts fare. */
export interface LinkRecord {
  readonly fields: LinkFields;
  /** What an earlier life of this process has reported. Rejects with Redis' error. */
  load(): Promise<LinkFields>;
  report(change: Partial<LinkFields>): void;
  /** Tells it once more. */
  repeat(): void;
}

/** @typeParam C a connection */
export interface HubParts<C extends HubConnection> {
  readonly settings: HubSettings;
  readonly credentials: PublishedCredentials;
  readonly link: LinkRecord;
  readonly clock: Clock;
  readonly random: Random;
  /** Makes one attempt; rejects with HubRefused. */
  readonly open: (credentials: HubCredentials, signal: AbortSignal) => Promise<C>;
  /** Runs what else lives on a connection, methods and twin, until `signal` aborts. */
  readonly serve: (client: C, signal: AbortSignal) => void;
}

/** However far the provisioner's back-off reaches, it is looked at again after this time. */
const LOOK_AGAIN_MS = 60_000;
/** Credentials that change all the time must not become a storm of connections. */
const MIN_SESSION_MS = 5_000;

/** No connection; `code` as in `hub_sender:link`. */
class HubUnavailable extends TransientError {
  readonly code: ConnectOutcome;

  constructor({ outcome, message }: HubRefused) {
    super(`the hub cannot be reached: ${message}`);
    this.code = outcome;
  }
}

export class HubDestination<C extends HubConnection> implements Destination {
  readonly name = 'hub';
  readonly attempts: Attempts;
  readonly #parts: HubParts<C>;
  #state: AttemptState = FREE;
  #loaded = false;

  constructor(parts: HubParts<C>) {
    this.#parts = parts;
    const nextMs = () => this.#nextMs();
    this.attempts = {
      due: (signal) => this.#due(signal),
      get nextMs() {
        return nextMs();
      },
    };
  }

  get address(): string {
    const { current } = this.#parts.credentials;
    return current === undefined ? '(not provisioned)' : `mqtts://${current.host}`;
  }

  /** The share of the send rate that the hub has shown to stand, 0 to 1. */
  get rateShare(): number {
    const { clock, settings } = this.#parts;
    return rateShare(this.#state, clock.monotonicMs(), settings.rules);
  }

  async connect(signal: AbortSignal): Promise<Session> {
    const { clock, credentials, link, open } = this.#parts;
    const used = credentials.current;
    if (used === undefined || signal.aborted)
      throw new TransientError('no credentials, or stopped');
    const { generation } = used;
    const before = link.fields;
    const attempt = before.generation === generation ? before.attempt + 1 : 1;
    this.#step({ kind: 'attempt', target: targetOf(used), nowMs: clock.monotonicMs() });
    this.#report({ state: 'connecting', generation, attempt, outcome: '', detail: '' });
    let client: C;
    try {
      client = await open(used, signal);
    } catch (error) {
      const refused =
        error instanceof HubRefused ? error : new HubRefused('network', errorMessage(error));
      this.#step({ kind: 'failed', nowMs: clock.monotonicMs(), random: this.#random() });
      if (signal.aborted) this.#report({ state: 'off', detail: 'the service was stopped' });
      else this.#failed('failed', refused.outcome, refused.message);
      throw new HubUnavailable(refused);
    }
    const connectedMs = clock.nowMs();
    this.#report({ state: 'connected', outcome: 'ok', detail: '', connectedMs, failingSinceMs: 0 });
    return this.#session(client, used);
  }

  #session(client: C, used: HubCredentials): HubSession {
    const { clock, settings, serve } = this.#parts;
    const session = new HubSession(client, clock, {
      deviceId: used.deviceId,
      maxPayloadBytes: Math.min(settings.maxMessageBytes, MAX_MESSAGE_BYTES) - PROPERTY_BYTES,
      maxInFlight: settings.maxInFlight,
      pubackTimeoutMs: settings.pubackTimeoutMs,
    });
    const over = new AbortController();
    void session.ended.then((end) => {
      over.abort();
      this.#sessionEnded(end);
    });
    void this.#followCredentials(session, used, over.signal);
    serve(client, over.signal);
    return session;
  }

  #sessionEnded(end: SessionEnd): void {
    const { clock } = this.#parts;
    const planned = end.planned === true;
    const stopped = end.reason === 'stopped';
    this.#step({
      kind: 'ended',
      nowMs: clock.monotonicMs(),
      planned: planned || stopped,
      random: this.#random(),
    });
    if (stopped) this.#report({ state: 'off', detail: 'the service was stopped' });
    else if (!planned) this.#failed('lost', 'dropped', end.detail ?? end.reason);
  }

  /** A new token, or another hub: the connection is given up in good order. */
  async #followCredentials(
    session: HubSession,
    used: HubCredentials,
    signal: AbortSignal,
  ): Promise<void> {
    const { credentials, clock, link } = this.#parts;
    const sinceMs = clock.monotonicMs();
    while (!signal.aborted) {
      const { current } = credentials;
      // Wiped or not yet written again: the connection there is stays good.
      if (current !== undefined) {
        const moved = targetOf(current) !== targetOf(used);
        if (moved || isRenewed(used, current)) {
          await clock.sleepMs(MIN_SESSION_MS - (clock.monotonicMs() - sinceMs), signal);
          await session.retire(moved ? 'moved' : 'token_renewed');
          return;
        }
      }
      await credentials.changed.wait(signal);
      if (!signal.aborted) link.repeat();
    }
  }

  async #due(signal: AbortSignal): Promise<void> {
    const { clock, credentials } = this.#parts;
    while (!signal.aborted) {
      const { current } = credentials;
      if (current === undefined) {
        if (this.#parts.link.fields.state !== 'off') {
          this.#report({ state: 'off', detail: 'no credentials' });
        }
        await credentials.changed.wait(signal);
        continue;
      }
      await this.#loadOnce(current);
      const waitMs = this.#nextMs();
      if (waitMs <= 0) return;
      await sleepOrRing(clock, Math.min(waitMs, LOOK_AGAIN_MS), credentials.changed, signal);
    }
  }

  /** A process that dies again and again must not try more often than one that lives. */
  async #loadOnce(current: HubCredentials): Promise<void> {
    if (this.#loaded) return;
    this.#loaded = true;
    const { clock, link, settings } = this.#parts;
    // When Redis fails here the attempt is made: it may be the first one.
    const before = await link.load().catch(() => undefined);
    if (before === undefined || before.generation !== current.generation) return;
    if (before.state !== 'failed' && before.state !== 'lost' && before.state !== 'connecting') {
      return;
    }
    const agoMs = clock.nowMs() - before.atMs;
    const nowMs = clock.monotonicMs();
    this.#state = heldSince(targetOf(current), agoMs, nowMs, this.#random(), settings.rules);
  }

  #nextMs(): number {
    const { clock, credentials } = this.#parts;
    const { current } = credentials;
    if (current === undefined) return 0;
    const nowMs = clock.monotonicMs();
    const leftMs = current.notBeforeMs - clock.nowMs();
    const notBeforeMs = leftMs > 0 ? nowMs + leftMs : nowMs;
    return Math.max(0, dueMs(this.#state, targetOf(current), notBeforeMs) - nowMs);
  }

  #step(event: AttemptEvent): void {
    this.#state = attemptStep(this.#state, event, this.#parts.settings.rules);
  }

  #failed(state: 'failed' | 'lost', outcome: ConnectOutcome | 'dropped', detail: string): void {
    const nowMs = this.#parts.clock.nowMs();
    const { failingSinceMs } = this.#parts.link.fields;
    const since = failingSinceMs === 0 ? nowMs : failingSinceMs;
    this.#report({ state, outcome, detail, failingSinceMs: since });
  }

  #report(change: Partial<LinkFields>): void {
    this.#parts.link.report({ ...change, atMs: this.#parts.clock.nowMs() });
  }

  #random(): number {
    return this.#parts.random.next();
  }
}
