/**
 * Ways back to those who send commands, and the answers waiting for one. An answer that matters is
 * stored first and sent from there until it is delivered; a source that is away gets its answers when
 * it is back.
 */
import type { Clock } from '@holdfast/kit';
import { FIRST_ID } from '@holdfast/redis';
import { Bell } from '../bell.ts';
import { shortAnswer } from '../core/commands/answer.ts';
import { isObject } from '../core/commands/json.ts';
import { Alarm } from './alarm.ts';
import type { AnswerSink, CommandStore } from './ports.ts';

const READ_ENTRIES = 50;
/** Whoever adds an answer rings; this is for what was missed while Redis or the source was away. */
const LOOK_AGAIN_MS = { afterFailure: 1_000, idle: 60_000 };

export class Answers {
  readonly #store: CommandStore;
  readonly #clock: Clock;
  readonly #sinks = new Map<string, AnswerSink>();
  /** Wakes whoever delivers the stored answers of a source. */
  readonly #alarms = new Map<string, Alarm>();
  readonly #deliveries: Promise<void>[] = [];
  #running: AbortSignal | undefined;

  constructor(store: CommandStore, clock: Clock) {
    this.#store = store;
    this.#clock = clock;
  }

  /** The source can be answered from now on; returns how to say that it cannot any more. */
  attach(source: string, sink: AnswerSink): () => void {
    this.#sinks.set(source, sink);
    const alarm = this.#alarms.get(source);
    if (alarm === undefined) this.#add(source);
    else alarm.ring();
    return () => {
      if (this.#sinks.get(source) === sink) this.#sinks.delete(source);
    };
  }

  /** There may be something new in the outbox. */
  wake(): void {
    for (const alarm of this.#alarms.values()) alarm.ring();
  }

  /** Sends an answer that is not stored; false when the source is away. */
  async sendNow(source: string, answer: string): Promise<boolean> {
    const sink = this.#sinks.get(source);
    return sink === undefined ? false : await sink.send(fitting(answer, sink.maxBytes));
  }

  /** Delivers stored answers until `signal` aborts: each source by itself, none waits for another. */
  async run(signal: AbortSignal): Promise<void> {
    this.#running = signal;
    for (const [source, alarm] of this.#alarms) this.#begin(source, alarm, signal);
    await new Bell().wait(signal);
    await Promise.all(this.#deliveries);
  }

  #add(source: string): void {
    const alarm = new Alarm(this.#clock);
    this.#alarms.set(source, alarm);
    if (this.#running !== undefined) this.#begin(source, alarm, this.#running);
  }

  #begin(source: string, alarm: Alarm, signal: AbortSignal): void {
    this.#deliveries.push(this.#keepDelivering(source, alarm, signal));
  }

  async #keepDelivering(source: string, alarm: Alarm, signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      const delivered = await this.#deliver(source, signal).catch(() => false);
      await alarm.sleepMs(delivered ? LOOK_AGAIN_MS.idle : LOOK_AGAIN_MS.afterFailure, signal);
    }
  }

  /** Resolves false when something is left that can be tried again. Rejects with Redis' error. */
  async #deliver(source: string, signal: AbortSignal): Promise<boolean> {
    let after = FIRST_ID;
    while (!signal.aborted && this.#sinks.has(source)) {
      const entries = await this.#store.outbox(after, READ_ENTRIES);
      for (const { entryId, answer } of entries.filter((entry) => entry.source === source)) {
        if (!(await this.sendNow(source, answer))) return false;
        await this.#store.delivered(entryId);
      }
      after = entries.at(-1)?.entryId ?? after;
      if (entries.length < READ_ENTRIES) return true;
    }
    return true;
  }
}

function fitting(answer: string, maxBytes: number): string {
  if (answer.length * 3 <= maxBytes || new TextEncoder().encode(answer).length <= maxBytes) {
    return answer;
  }
  const echo: unknown = JSON.parse(answer);
  return shortAnswer(isObject(echo) ? echo : {});
}
