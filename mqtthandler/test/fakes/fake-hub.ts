/** A hub in memory: connections that acknowledge, break and refuse as a test says. */
import { ManualClock, seededRandom } from '@holdfast/kit/testing';
import { HubDestination } from '../../src/adapters/hub/hub-destination.ts';
import type { LinkRecord } from '../../src/adapters/hub/hub-destination.ts';
import { HubRefused } from '../../src/adapters/hub/hub-client.ts';
import type { HubConnection } from '../../src/adapters/hub/hub-session.ts';
import { LINK_OFF } from '../../src/adapters/hub/link-report.ts';
import type { LinkFields } from '../../src/adapters/hub/link-report.ts';
import { Bell } from '../../src/bell.ts';
import type { ConnectOutcome } from '../../src/core/hub/classify.ts';
import type { HubCredentials } from '../../src/core/hub/credentials.ts';

export function credentials(change: Partial<HubCredentials> = {}): HubCredentials {
  return {
    generation: '1',
    host: 'hub-a',
    deviceId: 'd',
    auth: { kind: 'sas', token: 'one', expiresMs: 0 },
    notBeforeMs: 0,
    ...change,
  };
}

export class FakeConnection implements HubConnection {
  readonly closed: Promise<string>;
  readonly sent: { readonly body: string; readonly id: string }[] = [];
  readonly used: HubCredentials;
  /** Messages are acknowledged at once; false = `acknowledge` does. */
  answers = true;
  open = true;
  #gone: (why: string) => void = () => {};
  readonly #waiting: ((acknowledged: boolean) => void)[] = [];

  constructor(used: HubCredentials) {
    this.used = used;
    this.closed = new Promise((resolve) => {
      this.#gone = resolve;
    });
  }

  send(body: string, id: string): Promise<boolean> {
    if (!this.open) return Promise.resolve(false);
    this.sent.push({ body, id });
    if (this.answers) return Promise.resolve(true);
    return new Promise((resolve) => this.#waiting.push(resolve));
  }

  /** Answers the message sent `index`th among those that wait. */
  acknowledge(index = 0): void {
    this.#waiting.splice(index, 1)[0]?.(true);
  }

  drop(why = 'dropped'): void {
    this.open = false;
    this.#gone(why);
    for (const resolve of this.#waiting.splice(0)) resolve(false);
  }

  close(): Promise<void> {
    this.drop('closed');
    return Promise.resolve();
  }
}

export class HubBench {
  readonly clock = new ManualClock();
  readonly published = {
    current: credentials() as HubCredentials | undefined,
    changed: new Bell(),
  };
  readonly connections: FakeConnection[] = [];
  readonly told: LinkFields[] = [];
  /** Set = every attempt is refused so. */
  refusal: ConnectOutcome | undefined;
  readonly destination: HubDestination<FakeConnection>;
  #link: LinkFields = LINK_OFF;

  /** @param stored what an earlier life has reported */
  constructor(stored: Partial<LinkFields> = {}) {
    this.#link = { ...LINK_OFF, ...stored };
    const fields = () => this.#link;
    const link: LinkRecord = {
      get fields() {
        return fields();
      },
      load: () => Promise.resolve(this.#link),
      report: (change) => {
        this.#link = { ...this.#link, ...change };
        this.told.push(this.#link);
      },
      repeat: () => void this.told.push(this.#link),
    };
    this.destination = new HubDestination({
      settings: {
        maxMessageBytes: 262_144,
        maxInFlight: 20,
        pubackTimeoutMs: 30_000,
        rules: { gapMs: 60_000 },
      },
      credentials: this.published,
      link,
      clock: this.clock,
      random: seededRandom(3),
      open: (used) => {
        if (this.refusal !== undefined) {
          return Promise.reject(new HubRefused(this.refusal, 'refused'));
        }
        this.connections.push(new FakeConnection(used));
        return Promise.resolve(this.connection);
      },
      serve: () => {},
    });
  }

  get link(): LinkFields {
    return this.#link;
  }

  /** The newest. */
  get connection(): FakeConnection {
    const newest = this.connections.at(-1);
    if (newest === undefined) throw new Error('there was no connection');
    return newest;
  }

  publish(current: HubCredentials | undefined): void {
    this.published.current = current;
    this.published.changed.ring();
  }

  /** Milliseconds until an attempt may be made. */
  async untilDue(limitMs = 86_400_000): Promise<number> {
    const fromMs = this.clock.monotonicMs();
    const stop = new AbortController();
    const due = new AbortController();
    const waiting = this.destination.attempts.due(stop.signal).then(() => due.abort());
    while (!due.signal.aborted && this.clock.monotonicMs() - fromMs < limitMs) {
      await this.clock.advance(500);
    }
    stop.abort();
    await waiting;
    return this.clock.monotonicMs() - fromMs;
  }
}
