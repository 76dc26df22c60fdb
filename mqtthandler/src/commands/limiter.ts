/**
 * Keeps a flood of commands from doing harm: beyond the rate of its source a command is refused
 * unread. The refusals are limited as well; what was refused without an answer of its own is counted,
 * and one answer a second says how many. A call that waits for its response always gets one.
 */
import type { Clock } from '@holdfast/kit';
import { renderAnswer } from '../core/commands/answer.ts';
import { fullBucket, takeToken } from '../core/commands/bucket.ts';
import type { BucketLimits, BucketState } from '../core/commands/bucket.ts';
import type { JsonObject } from '../core/commands/json.ts';
import { refusal } from '../core/commands/refusal.ts';

export const COMMAND_RATE: BucketLimits = { perSecond: 20, burst: 50 };
const ANSWER_RATE: BucketLimits = { perSecond: 5, burst: 10 };
const SUMMARY_EVERY_MS = 1_000;

export class Limiter {
  readonly #clock: Clock;
  readonly #summary: (source: string, answer: string, count: number) => void;
  /** By source: one that floods takes nothing from the others. */
  readonly #buckets = new Map<string, { commands: BucketState; answers: BucketState }>();
  /** Refused without an answer of their own, by source. */
  readonly #silent = new Map<string, number>();

  /** `summary` gets one answer a second at most for what was not answered one by one. */
  constructor(clock: Clock, summary: (source: string, answer: string, count: number) => void) {
    this.#clock = clock;
    this.#summary = summary;
  }

  /**
   * `run` = carry it out, `answer` = answer that there are too many, `count` = do neither.
   * @param isCall somebody waits for the response to this very command: never `count`
   */
  judge(source: string, isCall: boolean): 'run' | 'answer' | 'count' {
    const nowMs = this.#clock.monotonicMs();
    const buckets = this.#bucketsOf(source, nowMs);
    const command = takeToken(buckets.commands, COMMAND_RATE, nowMs);
    buckets.commands = command.state;
    if (command.taken) return 'run';
    if (isCall) return 'answer';
    const answer = takeToken(buckets.answers, ANSWER_RATE, nowMs);
    buckets.answers = answer.state;
    if (answer.taken) return 'answer';
    this.#silent.set(source, (this.#silent.get(source) ?? 0) + 1);
    return 'count';
  }

  #bucketsOf(source: string, nowMs: number) {
    let buckets = this.#buckets.get(source);
    if (buckets === undefined) {
      buckets = {
        commands: fullBucket(COMMAND_RATE, nowMs),
        answers: fullBucket(ANSWER_RATE, nowMs),
      };
      this.#buckets.set(source, buckets);
    }
    return buckets;
  }

  /** Tells once a second what was only counted, until `signal` aborts. */
  async run(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      await this.#clock.sleepMs(SUMMARY_EVERY_MS, signal);
      for (const [source, count] of this.#silent) {
        this.#silent.delete(source);
        this.#summary(source, tooMany({}, count), count);
      }
    }
  }
}

/** The answer to a command beyond the rate, or to `count` of them that are not answered one by one. */
export function tooMany(echo: JsonObject, count?: number): string {
  const error = refusal('rate_limited', `at most ${COMMAND_RATE.perSecond} commands a second`);
  return renderAnswer(echo, { error, ...(count === undefined ? {} : { count }) });
}
