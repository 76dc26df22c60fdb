/**
 * Remote commands, from whatever source, carried out once and answered always.
 *
 * Life of a command
 * 1. submitted: by a transport. Refused ones, and those that only read and have no id, are answered
 *    at once; nothing is stored.
 * 2. taken: stored in the inbox with a record of its id, in one step. Only now may the transport
 *    acknowledge it: whatever dies from here on, the command is carried out.
 * 3. carried out: one after the other, in the order taken. What it changes in Redis, its answer and
 *    its end as a command are one step: it is carried out exactly once, also when the process is
 *    killed in between. An answer waits in the outbox until it is delivered.
 * A reboot and an export go on after step 3 with their own stored state.
 */
import { errorMessage } from '@holdfast/kit';
import { Bell } from '../bell.ts';
import { renderAnswer } from '../core/commands/answer.ts';
import type { Outcome } from '../core/commands/answer.ts';
import { parseTaken } from '../core/commands/parse.ts';
import type { AcceptedCommand } from '../core/commands/parse.ts';
import { recordOf } from '../core/commands/records.ts';
import { refusal } from '../core/commands/refusal.ts';
import { Alarm } from './alarm.ts';
import type { Executed, Executor } from './executor.ts';
import { CommandIntake, isReplyError } from './intake.ts';
import type { IntakeParts } from './intake.ts';
import type { Change, CommandRequest, InboxEntry } from './ports.ts';

export interface CommandEvents {
  command_done: { command: string; id: string; source: string; outcome: string };
  command_refused: { source: string; code: string; message: string };
  commands_dropped: { source: string; count: number };
  commands_failed: { error: string };
}

export type CommandReport = <K extends keyof CommandEvents>(
  level: 'info' | 'warn',
  event: K,
  fields: CommandEvents[K],
) => void;

export interface EngineParts extends IntakeParts {
  readonly executor: Executor;
}

interface Finished extends Omit<Executed, 'outcome'> {
  readonly answer: string;
}

const READ_ENTRIES = 20;
/** Then a stored command is answered `failed`. */
const MAX_ATTEMPTS = 5;
const RETRY_MS = 1_000;
const IDLE_MS = 60_000;
const PRUNE_EVERY_MS = 3_600_000;
const PRUNE_EVERY_COMMANDS = 50;

export class CommandEngine {
  readonly #parts: EngineParts;
  readonly #intake: CommandIntake;
  readonly #alarm: Alarm;
  /** Commands taken, and up to which of them all are carried out. */
  #taken = 0;
  #carriedOut = -1;
  readonly #caughtUp = new Bell();
  readonly #stop = new AbortController();
  /** Times an entry of the inbox could not be carried out because the connection broke. */
  readonly #attempts = new Map<string, number>();
  /** Record keys of commands whose end may be stored: the connection broke before Redis could say so. */
  readonly #uncertain = new Set<string>();
  #sincePrune = PRUNE_EVERY_COMMANDS;
  #prunedAtMs = -Infinity;

  constructor(parts: EngineParts) {
    this.#parts = parts;
    this.#alarm = new Alarm(parts.clock);
    this.#intake = new CommandIntake(parts, {
      readNow: (parsed, source) =>
        parsed.id === undefined && parts.executor.onlyReads(parsed.command)
          ? this.#readNow(parsed, source)
          : undefined,
      onTaken: () => {
        this.#taken += 1;
        this.#alarm.ring();
      },
    });
  }

  /**
   * Takes a command. Resolves true when the transport may acknowledge it: it was answered or is
   * stored; false when the transport shall deliver it again. Never rejects.
   */
  async submit(request: CommandRequest): Promise<boolean> {
    return await this.#intake.submit(request);
  }

  /** Carries out what was taken, until `signal` aborts. */
  async run(signal: AbortSignal): Promise<void> {
    signal.addEventListener('abort', () => this.#stop.abort(), { once: true });
    await Promise.all([
      this.#work(signal),
      this.#intake.run(signal),
      this.#parts.answers.run(signal),
      this.#parts.executor.run(signal),
    ]);
  }

  /** After everything that was sent before it: a value just set is read as set. */
  async #readNow(parsed: AcceptedCommand, source: string): Promise<string> {
    const before = this.#taken;
    const { signal } = this.#stop;
    while (this.#carriedOut < before && !signal.aborted) await this.#caughtUp.wait(signal);
    return (await this.#execute(parsed, '', source)).answer;
  }

  async #work(signal: AbortSignal): Promise<void> {
    const { store, redisReady, report, clock } = this.#parts;
    while (await redisReady(signal)) {
      try {
        const taken = this.#taken;
        const entries = await store.inbox(READ_ENTRIES);
        await this.#answerEnded(entries);
        for (const entry of entries) {
          await this.#carryOut(entry);
          if (signal.aborted) return;
        }
        if (entries.length > 0) continue;
        this.#carriedOut = taken;
        this.#caughtUp.ring();
        await this.#prune();
        await this.#alarm.sleepMs(IDLE_MS, signal);
      } catch (error) {
        report('warn', 'commands_failed', { error: errorMessage(error) });
        await clock.sleepMs(RETRY_MS, signal);
        this.#parts.executor.resync();
        this.#parts.answers.wake();
      }
    }
  }

  async #carryOut(entry: InboxEntry): Promise<void> {
    const { entryId, source, recordKey } = entry;
    const { store, answers, clock } = this.#parts;
    const parsed = parseTaken(entry.text, entry.signed, clock.nowMs());
    const { answer, change, applied }: Finished =
      parsed.kind === 'refused'
        ? { answer: renderAnswer(parsed.echo, { error: parsed.refusal }), change: {} }
        : await this.#execute(parsed, recordKey, source);
    const responders = this.#intake.respondersOf(recordKey);
    const expiresMs = parsed.kind === 'accepted' && parsed.signed ? parsed.expiresMs : undefined;
    const record = { ...recordOf(expiresMs, clock.nowMs()), answer };
    const finish: Change = {
      ...change,
      doneEntryId: entryId,
      records: [...(change.records ?? []), [recordKey, record]],
      answers: [
        ...(change.answers ?? []),
        ...(responders.length === 0 ? [{ source, answer }] : []),
      ],
    };
    this.#uncertain.add(recordKey);
    await store.apply(finish);
    this.#uncertain.delete(recordKey);
    this.#attempts.delete(recordKey);
    this.#respond(recordKey, answer);
    answers.wake();
    this.#sincePrune += 1;
    applied?.();
  }

  #respond(recordKey: string, answer: string): void {
    for (const respond of this.#intake.respondersOf(recordKey)) respond(answer);
    this.#intake.forgetResponders(recordKey);
  }

  /** A command that is no longer in the inbox has ended, and its record holds the answer. */
  async #answerEnded(entries: readonly InboxEntry[]): Promise<void> {
    for (const recordKey of this.#uncertain) {
      if (!entries.some((entry) => entry.recordKey === recordKey)) {
        const record = await this.#parts.store.record(recordKey);
        const unknown = refusal('failed', 'Redis was away; whether it was done is not known');
        this.#respond(recordKey, record?.answer ?? renderAnswer({}, { error: unknown }));
      }
      this.#uncertain.delete(recordKey);
    }
  }

  /** Rejects only when Redis is away; everything else is an answer. */
  async #execute(parsed: AcceptedCommand, recordKey: string, source: string): Promise<Finished> {
    const { echo, command } = parsed;
    let executed: Executed;
    try {
      executed = await this.#parts.executor.execute(parsed, recordKey, source);
    } catch (error) {
      if (this.#mayTryAgain(recordKey, error)) throw error;
      executed = { outcome: { error: refusal('failed', errorMessage(error)) }, change: {} };
    }
    this.#parts.report('info', 'command_done', {
      command: command.name,
      id: parsed.id === undefined ? '' : JSON.stringify(parsed.id),
      source,
      outcome: wordFor(executed.outcome),
    });
    const { outcome, ...rest } = executed;
    return { answer: renderAnswer(echo, outcome), ...rest };
  }

  /** A stored command whose connection to Redis broke is carried out when it is back. */
  #mayTryAgain(recordKey: string, error: unknown): boolean {
    if (recordKey === '' || isReplyError(error)) return false;
    const attempts = (this.#attempts.get(recordKey) ?? 0) + 1;
    this.#attempts.set(recordKey, attempts);
    return attempts < MAX_ATTEMPTS;
  }

  async #prune(): Promise<void> {
    const { clock, store } = this.#parts;
    const due = clock.monotonicMs() - this.#prunedAtMs > PRUNE_EVERY_MS;
    if (!due && this.#sincePrune < PRUNE_EVERY_COMMANDS) return;
    await store.prune(clock.nowMs());
    this.#sincePrune = 0;
    this.#prunedAtMs = clock.monotonicMs();
  }
}

function wordFor(outcome: Outcome): string {
  return outcome.error?.code ?? outcome.status ?? 'done';
}
