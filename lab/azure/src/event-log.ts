/**
 * The log of everything that happens in the cloud: for assertions of tests, and for people who
 * watch. Bounded: the newest events are kept, the counters are complete. Messages are counted and
 * told to subscribers, but kept by the message log of their hub only; they would push the rest out.
 */
import type { Clock } from '@holdfast/kit';
import type { AnyEvent, CloudEvent } from './events.ts';

export type EventName = CloudEvent['event'];
/** The shape of one kind of event; some shapes are shared by several kinds. */
export type EventOf<N extends EventName> = OneOf<CloudEvent, N>;
type OneOf<E extends CloudEvent, N extends EventName> = E extends unknown
  ? N extends E['event']
    ? E & { readonly event: N }
    : never
  : never;

export interface WaitOptions {
  /** Real milliseconds; default 15 000. */
  readonly timeoutMs?: number;
  /** Count only events after this one; default: those already logged count too. */
  readonly after?: number;
}

const KEPT_EVENTS = 20_000;
const WAIT_MS = 15_000;

export class EventLog {
  readonly #clock: Clock;
  readonly #kept: number;
  readonly #counts = new Map<EventName, number>();
  readonly #subscribers = new Set<(event: CloudEvent) => void>();
  #events: CloudEvent[] = [];
  #dropped = 0;

  constructor(clock: Clock, kept = KEPT_EVENTS) {
    this.#clock = clock;
    this.#kept = kept;
  }

  /** Number of events logged so far, messages not counted: a mark for `after`. */
  get position(): number {
    return this.#dropped + this.#events.length;
  }

  /** The newest events, oldest first. */
  get events(): readonly CloudEvent[] {
    return this.#events;
  }

  append(event: AnyEvent): void {
    const stamped: CloudEvent = { ...event, atMs: this.#clock.nowMs() };
    this.#counts.set(event.event, this.count(event.event) + 1);
    if (event.event !== 'message') this.#keep(stamped);
    for (const subscriber of this.#subscribers) subscriber(stamped);
  }

  /** All there ever were, not only those still kept. */
  count(name: EventName): number {
    return this.#counts.get(name) ?? 0;
  }

  /** The kept events of one kind. */
  of<N extends EventName>(name: N, after = 0): readonly EventOf<N>[] {
    return this.#since(after).filter((event): event is EventOf<N> => event.event === name);
  }

  /** @returns a function that ends the subscription */
  subscribe(subscriber: (event: CloudEvent) => void): () => void {
    this.#subscribers.add(subscriber);
    return () => this.#subscribers.delete(subscriber);
  }

  /**
   * The first event of this kind that satisfies `wanted`, at once or when it comes.
   * @throws Error after the deadline
   */
  async waitFor<N extends EventName>(
    name: N,
    wanted: (event: EventOf<N>) => boolean = () => true,
    { timeoutMs = WAIT_MS, after = 0 }: WaitOptions = {},
  ): Promise<EventOf<N>> {
    const isIt = (event: CloudEvent): event is EventOf<N> =>
      event.event === name && wanted(event as EventOf<N>);
    const known = this.#since(after).find(isIt);
    if (known !== undefined) return known;
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => {
        unsubscribe();
        reject(new Error(`no event "${name}" within ${timeoutMs} ms`));
      }, timeoutMs);
      const unsubscribe = this.subscribe((event) => {
        if (!isIt(event)) return;
        clearTimeout(timer);
        unsubscribe();
        resolve(event);
      });
    });
  }

  #since(position: number): readonly CloudEvent[] {
    return this.#events.slice(Math.max(0, position - this.#dropped));
  }

  #keep(event: CloudEvent): void {
    this.#events.push(event);
    // In large steps: taking one off the front of a long list each time is slow.
    if (this.#events.length < this.#kept * 2) return;
    this.#dropped += this.#events.length - this.#kept;
    this.#events = this.#events.slice(-this.#kept);
  }
}
