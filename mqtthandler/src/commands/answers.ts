/**
 * Ways back to those who send commands, and the answers waiting for one. An answer that matters is
 * stored first and sent from there until it is delivered; a source that is away gets its answers when
 * it is back.
 */
import type { Clock } from '@holdfast/kit';
import { FIRST_ID } from '@holdfast/redis';
import { shortAnswer } from '../core/commands/answer.ts';
import { isObject } from '../core/commands/json.ts';
import { Alarm } from './alarm.ts';
import type { AnswerSink, CommandStore } from './ports.ts';

const READ_ENTRIES = 50;
/** Whoever adds an answer rings; this is for what was missed while Redis or the source was away. */
const LOOK_AGAIN_MS = { afterFailure: 1_000, idle: 60_000 };

export class Answers {
  readonly #store: CommandStore;
  readonly #alarm: Alarm;
  readonly #sinks = new Map<string, AnswerSink>();

  constructor(store: CommandStore, clock: Clock) {
    this.#store = store;
    this.#alarm = new Alarm(clock);
  }

  /** The source can be answered from now on; returns how to say that it cannot any more. */
  attach(source: string, sink: AnswerSink): () => void {
    this.#sinks.set(source, sink);
    this.#alarm.ring();
    return () => {
      if (this.#sinks.get(source) === sink) this.#sinks.delete(source);
    };
  }

  /** There may be something new in the outbox. */
  wake(): void {
    this.#alarm.ring();
  }

  /** Sends an answer that is not stored; false when the source is away. */
  async sendNow(source: string, answer: string): Promise<boolean> {
    const sink = this.#sinks.get(source);
    return sink === undefined ? false : await sink.send(fitting(answer, sink.maxBytes));
  }

  /** Delivers stored answers until `signal` aborts. */
  async run(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      const delivered = await this.#deliverAll(signal).catch(() => false);
      await this.#alarm.sleepMs(
        delivered ? LOOK_AGAIN_MS.idle : LOOK_AGAIN_MS.afterFailure,
        signal,
      );
    }
  }

  async #deliverAll(signal: AbortSignal): Promise<boolean> {
    let after = FIRST_ID;
    while (!signal.aborted) {
      const entries = await this.#store.outbox(after, READ_ENTRIES);
      for (const { entryId, source, answer } of entries) {
        after = entryId;
        if (!this.#sinks.has(source)) continue;
        if (!(await this.sendNow(source, answer))) return false;
        await this.#store.delivered(entryId);
      }
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
