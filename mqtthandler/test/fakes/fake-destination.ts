/** A destination in memory that fails on demand, held to the same suite as an MQTT broker. */
import { TransientError } from '@holdfast/kit';
import type { Destination, Payload, PublishOutcome, Session, SessionEnd } from '../../src/ports.ts';

/** What becomes of a message that arrives. */
export type Treatment =
  /** Taken and acknowledged. */
  | 'acknowledge'
  /** Taken, but the connection breaks before the acknowledgement. */
  | 'take_and_close'
  /** The connection breaks before it is taken. */
  | 'close'
  /** Taken, never answered. */
  | 'silence'
  | 'refuse'
  | 'later';

export type WireReading = Readonly<Record<string, unknown>>;

export class FakeDestination implements Destination {
  readonly name = 'fake';
  readonly address = 'memory://';
  maxPayloadBytes = 2_000;
  maxInFlight = 4;
  /** Refuses connections while true. */
  away = false;
  /** Decides on each message. */
  treat: (payload: string, readings: readonly WireReading[]) => Treatment = () => 'acknowledge';
  /** Waits before each answer. */
  latency: () => Promise<void> = () => Promise.resolve();
  /** Every message taken, in order. */
  readonly taken: (readonly WireReading[])[] = [];
  readonly acknowledged: (readonly WireReading[])[] = [];
  sessions = 0;
  #session: FakeSession | undefined;

  connect(signal: AbortSignal): Promise<Session> {
    if (this.away || signal.aborted) {
      return Promise.reject(new TransientError('the destination is away'));
    }
    this.sessions += 1;
    const session = new FakeSession(this);
    this.#session = session;
    return Promise.resolve(session);
  }

  /** Breaks the connection there is. */
  cut(reason = 'closed_by_peer'): void {
    this.#session?.end({ reason });
  }
}

class FakeSession implements Session {
  readonly maxPayloadBytes: number;
  readonly maxInFlight: number;
  readonly ended: Promise<SessionEnd>;
  readonly #destination: FakeDestination;
  readonly #underway = new Set<(outcome: PublishOutcome) => void>();
  #resolveEnded: (end: SessionEnd) => void = () => {};
  #over = false;

  constructor(destination: FakeDestination) {
    this.#destination = destination;
    this.maxPayloadBytes = destination.maxPayloadBytes;
    this.maxInFlight = destination.maxInFlight;
    this.ended = new Promise((resolve) => {
      this.#resolveEnded = resolve;
    });
  }

  publish(payload: Payload): Promise<PublishOutcome> {
    if (this.#over) return Promise.resolve({ kind: 'lost' });
    return new Promise((resolve) => {
      const answer = (outcome: PublishOutcome) => {
        if (this.#underway.delete(answer)) resolve(outcome);
      };
      this.#underway.add(answer);
      // As it is now: the memory may be used again after the answer.
      void this.#arrive(Buffer.from(payload).toString(), answer);
    });
  }

  close(_graceful: boolean): Promise<void> {
    this.end({ reason: 'stopped' });
    return Promise.resolve();
  }

  end(end: SessionEnd): void {
    if (this.#over) return;
    this.#over = true;
    for (const answer of this.#underway) answer({ kind: 'lost' });
    this.#resolveEnded(end);
  }

  async #arrive(payload: string, answer: (outcome: PublishOutcome) => void): Promise<void> {
    const destination = this.#destination;
    await destination.latency();
    if (this.#over) return;
    const readings = JSON.parse(payload) as readonly WireReading[];
    const treatment = destination.treat(payload, readings);
    if (treatment === 'close') {
      this.end({ reason: 'closed_by_peer' });
      return;
    }
    if (treatment === 'refuse') return answer({ kind: 'refused', code: 'payload_format_invalid' });
    if (treatment === 'later') return answer({ kind: 'later', code: 'quota_exceeded' });
    destination.taken.push(readings);
    if (treatment === 'take_and_close') this.end({ reason: 'closed_by_peer' });
    if (treatment !== 'acknowledge') return;
    destination.acknowledged.push(readings);
    answer({ kind: 'acknowledged' });
  }
}
