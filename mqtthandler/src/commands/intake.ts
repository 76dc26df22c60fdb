/**
 * Taking commands from the transports: refuses, answers what only reads, and stores the rest. Nothing
 * is carried out here that changes anything.
 */
import type { Clock } from '@holdfast/kit';
import { RepeatFilter, errorMessage } from '@holdfast/kit';
import { renderAnswer } from '../core/commands/answer.ts';
import { parseCommand } from '../core/commands/parse.ts';
import type { AcceptedCommand, ParseOptions, RefusedCommand } from '../core/commands/parse.ts';
import {
  REDELIVERY_MS,
  recordKeyOfDelivery,
  recordKeyOfId,
  recordOf,
} from '../core/commands/records.ts';
import type { CommandRecord } from '../core/commands/records.ts';
import { refusal } from '../core/commands/refusal.ts';
import type { Answers } from './answers.ts';
import type { CommandReport } from './engine.ts';
import { Limiter, tooMany } from './limiter.ts';
import type { CommandRequest, CommandStore } from './ports.ts';

export interface IntakeParts {
  readonly store: CommandStore;
  readonly answers: Answers;
  readonly clock: Clock;
  readonly parse: Omit<ParseOptions, 'nowMs'>;
  readonly report: CommandReport;
  /** Resolves true when Redis answers, false when the signal aborts before. */
  readonly redisReady: (signal: AbortSignal) => Promise<boolean>;
}

/** What the intake asks of whoever carries commands out. */
export interface IntakeCallbacks {
  /** The answer of a command that only reads and has no id; undefined for any other. */
  readonly readNow: (parsed: AcceptedCommand, source: string) => Promise<string> | undefined;
  /** A command was stored. */
  readonly onTaken: () => void;
}

/** How a command was taken: an answer to be sent, or that it was stored (true) or not (false). */
type Taken = string | boolean;

/** Commands held while Redis is away; the transport keeps the others. */
const MAX_WAITING = 64;
const RETRY_MS = 1_000;

export class CommandIntake {
  readonly #parts: IntakeParts;
  readonly #callbacks: IntakeCallbacks;
  readonly #limiter: Limiter;
  /** The log is not for everybody who can publish to fill. */
  readonly #repeated = new RepeatFilter();
  readonly #stop = new AbortController();
  /** First answers that a transport carries itself, by record key. */
  readonly #responders = new Map<string, ((answer: string) => void)[]>();
  /** Commands are taken one after the other: the same id twice at once is taken once. */
  #taking: Promise<unknown> = Promise.resolve();
  #waiting = 0;

  constructor(parts: IntakeParts, callbacks: IntakeCallbacks) {
    this.#parts = parts;
    this.#callbacks = callbacks;
    this.#limiter = new Limiter(parts.clock, (source, answer, count) => {
      parts.report('warn', 'commands_dropped', { source, count });
      void parts.answers.sendNow(source, answer);
    });
  }

  /**
   * Takes a command. Resolves true when the transport may acknowledge it: it was answered or is
   * stored; false when the transport shall deliver it again. Never rejects.
   */
  async submit(request: CommandRequest): Promise<boolean> {
    try {
      const verdict = this.#limiter.judge(request.source, request.respond !== undefined);
      if (verdict === 'count') return true;
      const options = { ...this.#parts.parse, nowMs: this.#parts.clock.nowMs() };
      const parsed = parseCommand(request.payload, request.retained, options);
      if (verdict === 'answer') return await this.#reply(request, tooMany(parsed.echo));
      if (parsed.kind === 'refused')
        return await this.#reply(request, this.#refuse(request, parsed));
      if (this.#waiting >= MAX_WAITING) {
        const why = refusal('busy', 'too many commands are waiting');
        return await this.#reply(request, this.#refuse(request, { ...parsed, refusal: why }));
      }
      const taken = await this.#inTurn(async () => {
        const read = this.#callbacks.readNow(parsed, request.source);
        return read === undefined ? await this.#take(request, parsed) : await read;
      });
      // Not in turn: an answer that nobody takes holds up no other command.
      return typeof taken === 'string' ? await this.#reply(request, taken) : taken;
    } catch (error) {
      this.#parts.report('warn', 'commands_failed', { error: errorMessage(error) });
      return false;
    }
  }

  /** Tells of commands beyond the rate until `signal` aborts; then nothing waits any more. */
  async run(signal: AbortSignal): Promise<void> {
    signal.addEventListener('abort', () => this.#stop.abort(), { once: true });
    await this.#limiter.run(signal);
  }

  /** Who carries the first answer of a command back himself. */
  respondersOf(recordKey: string): readonly ((answer: string) => void)[] {
    return this.#responders.get(recordKey) ?? [];
  }

  forgetResponders(recordKey: string): void {
    this.#responders.delete(recordKey);
  }

  async #inTurn(work: () => Promise<Taken>): Promise<Taken> {
    this.#waiting += 1;
    const done = this.#taking.then(work);
    this.#taking = done.catch(() => {});
    try {
      return await done;
    } finally {
      this.#waiting -= 1;
    }
  }

  async #take(request: CommandRequest, parsed: AcceptedCommand): Promise<Taken> {
    const { store, clock } = this.#parts;
    const recordKey = keyOf(request, parsed);
    const takenMs = clock.nowMs();
    for (let attempt = 1; ; attempt += 1) {
      if (!(await this.#parts.redisReady(this.#stop.signal))) return false;
      try {
        const mayBeKnown = parsed.id !== undefined || request.redelivered || attempt > 1;
        const known = mayBeKnown ? await store.record(recordKey) : undefined;
        if (known !== undefined && isSame(known, request, parsed, takenMs)) {
          return this.#answerAgain(request, parsed, known);
        }
        this.#expectAnswer(recordKey, request);
        const { signed, text } = parsed;
        const entry = { source: request.source, recordKey, signed, text };
        await store.take(entry, recordOf(signed ? parsed.expiresMs : undefined, takenMs));
        this.#callbacks.onTaken();
        return true;
      } catch (error) {
        if (isReplyError(error)) {
          const why = refusal('failed', `Redis: ${errorMessage(error)}`);
          return this.#refuse(request, { ...parsed, refusal: why });
        }
        // The connection broke: the record says later whether the command was stored.
        await clock.sleepMs(RETRY_MS, this.#stop.signal);
      }
    }
  }

  /** The same id again: the same answer again, nothing is carried out. */
  #answerAgain(request: CommandRequest, parsed: AcceptedCommand, known: CommandRecord): Taken {
    // Still under way: its answer is coming, and answers this one too.
    if (known.answer === undefined) {
      this.#expectAnswer(keyOf(request, parsed), request);
      this.#callbacks.onTaken();
      return true;
    }
    if (!parsed.signed || request.redelivered) return known.answer;
    const why = refusal('replayed', 'a command with this id was carried out before');
    const answer: unknown = JSON.parse(known.answer);
    return renderAnswer(parsed.echo, { error: why, answer });
  }

  #expectAnswer(recordKey: string, { respond }: CommandRequest): void {
    if (respond === undefined) return;
    this.#responders.set(recordKey, [...(this.#responders.get(recordKey) ?? []), respond]);
  }

  /** Reports a refusal; returns the answer to it. */
  #refuse(request: CommandRequest, refused: Pick<RefusedCommand, 'refusal' | 'echo'>): string {
    const { code, message } = refused.refusal;
    if (this.#repeated.shouldLog(`${request.source} ${code}`)) {
      this.#parts.report('warn', 'command_refused', { source: request.source, code, message });
    }
    return renderAnswer(refused.echo, { error: refused.refusal });
  }

  async #reply(request: CommandRequest, answer: string): Promise<boolean> {
    if (request.respond === undefined) {
      return await this.#parts.answers.sendNow(request.source, answer);
    }
    request.respond(answer);
    return true;
  }
}

function keyOf(request: CommandRequest, parsed: AcceptedCommand): string {
  return parsed.id === undefined
    ? recordKeyOfDelivery(request.source, request.deliveryId)
    : recordKeyOfId(parsed.id);
}

/**
 * Whether a record is of this very command. Without an id only a second delivery is known again, by
 * a packet identifier that the broker uses for other commands later.
 */
function isSame(
  known: CommandRecord,
  request: CommandRequest,
  parsed: AcceptedCommand,
  takenMs: number,
): boolean {
  if (parsed.id !== undefined || known.takenMs === takenMs) return true;
  return request.redelivered && takenMs - known.takenMs < REDELIVERY_MS;
}

/** Redis answered with an error: it is there, and the same again would not help at once. */
export function isReplyError(error: unknown): boolean {
  return error instanceof Error && error.name === 'ReplyError';
}
