/**
 * `send_measurements`: ranges of the stream sent once more, in a lane of their own beside the others.
 * It takes slots as the backlog does, so what is measured now goes first, and has a speed limit.
 * One runs, a few wait. The position is stored about once a second: after a restart the readings of
 * that second are sent again.
 */
import type { Clock } from '@holdfast/kit';
import { Bell } from '../bell.ts';
import { renderAnswer } from '../core/commands/answer.ts';
import type { Outcome } from '../core/commands/answer.ts';
import { MAX_EXPORTS } from '../core/commands/export.ts';
import type { ExportJob } from '../core/commands/export.ts';
import type { AcceptedCommand } from '../core/commands/parse.ts';
import { refusal } from '../core/commands/refusal.ts';
import type { Command, CommandId } from '../core/commands/schema.ts';
import type { LaneContext } from '../lane-context.ts';
import { Pacer } from '../pacer.ts';
import { Alarm } from './alarm.ts';
import type { Answers } from './answers.ts';
import type { CommandReport } from './engine.ts';
import type { Executed } from './executor.ts';
import { ExportRun } from './export-run.ts';
import type { Change, CommandStore } from './ports.ts';

export interface ExportParts {
  readonly store: CommandStore;
  readonly answers: Answers;
  readonly clock: Clock;
  readonly readingsPerSecond: number;
  readonly report: CommandReport;
  readonly redisReady: (signal: AbortSignal) => Promise<boolean>;
}

const SAVE_EVERY_MS = 1_000;
const PROGRESS_EVERY_MS = 10_000;
/** After the destination has said "later", or refused. */
const PAUSE_MS = 1_000;
/** For acknowledgements under way when an export is cancelled. */
const HALT_MS = 3_000;
const LOAD_RETRY_MS = 1_000;
const LOAD_EVERY_MS = 3_600_000;

export class Exports {
  readonly #parts: ExportParts;
  readonly #pacer: Pacer;
  readonly #bell = new Bell();
  readonly #alarm: Alarm;
  #runs: ExportRun[] = [];
  #savedAtMs = 0;
  #toldAtMs = 0;

  constructor(parts: ExportParts) {
    this.#parts = parts;
    this.#alarm = new Alarm(parts.clock);
    // What the pacer counts as bytes are readings here.
    const limits = { messagesPerSecond: Infinity, bytesPerSecond: parts.readingsPerSecond };
    this.#pacer = new Pacer(parts.clock, limits);
  }

  /** What a command `send_measurements` changes and is answered. */
  async begin(
    command: Extract<Command, { name: 'send_measurements' }>,
    accepted: AcceptedCommand,
    recordKey: string,
    source: string,
  ): Promise<Executed> {
    const ahead = this.#runs.length;
    if (ahead >= MAX_EXPORTS) {
      const why = refusal('busy', `${ahead} exports are running or waiting`);
      return { outcome: { error: why }, change: {} };
    }
    const { store, clock } = this.#parts;
    const { id, echo, signed, expiresMs } = accepted;
    const job: ExportJob = {
      recordKey,
      id: id === undefined ? '' : JSON.stringify(id),
      source,
      echo,
      after: command.after,
      upTo: command.upTo ?? (await store.newestId()),
      remaining: command.count,
      sent: 0,
      skipped: 0,
      failures: 0,
      takenMs: clock.nowMs(),
      ...(signed && expiresMs !== undefined ? { expiresMs } : {}),
    };
    return {
      outcome: { status: ahead === 0 ? 'running' : 'queued', sent: 0 },
      change: { exports: [[recordKey, job]] },
      applied: () => {
        this.#runs.push(new ExportRun(job));
        this.#bell.ring();
      },
    };
  }

  /** What a command `cancel` changes and is answered; the export itself gets its last answer too. */
  async cancel(target: CommandId): Promise<Executed> {
    const run = this.#find(target);
    if (run === undefined) {
      const why = refusal('bad_value', 'id: no export of this id is running or waiting');
      return { outcome: { error: why }, change: {} };
    }
    run.halted = true;
    this.#bell.ring();
    const { clock } = this.#parts;
    const untilMs = clock.monotonicMs() + HALT_MS;
    while (run.underway > 0 && clock.monotonicMs() < untilMs) await clock.sleepMs(20);
    const outcome: Outcome = { status: 'cancelled', ...counts(run.job) };
    return {
      outcome,
      change: lastChange(run.job, outcome),
      applied: () => this.#remove(run, 'cancelled'),
    };
  }

  /** Goes on with what was stored before a restart, or before a connection to Redis broke. */
  async run(signal: AbortSignal): Promise<void> {
    const { redisReady, clock } = this.#parts;
    while (await redisReady(signal)) {
      try {
        await this.#load();
        await this.#alarm.sleepMs(LOAD_EVERY_MS, signal);
      } catch {
        await clock.sleepMs(LOAD_RETRY_MS, signal);
      }
    }
  }

  /** It is not certain that the last change was stored: what Redis has counts. */
  resync(): void {
    this.#alarm.ring();
  }

  async #load(): Promise<void> {
    const keys = () => this.#runs.map((run) => run.job.recordKey);
    // What ends while Redis answers is no news, nor is what begins.
    const before = keys();
    const stored = await this.#parts.store.exports();
    const known = new Set([...before, ...keys()]);
    const missing = stored.filter((job) => !known.has(job.recordKey));
    if (missing.length === 0) return;
    this.#runs.unshift(...missing.map((job) => new ExportRun(job)));
    this.#bell.ring();
  }

  /**
   * A lane of one session: sends what is asked for until `signal` aborts.
   * @param serves whether what this source has asked for goes out here
   */
  async lane(
    context: LaneContext,
    signal: AbortSignal,
    serves: (source: string) => boolean = () => true,
  ): Promise<void> {
    while (!signal.aborted) {
      const run = this.#runs.find(({ halted, job }) => !halted && serves(job.source));
      if (run === undefined) await this.#bell.wait(signal);
      else if (run.finished) await this.#finish(run);
      else await this.#step(run, context, signal);
    }
  }

  /** One read of the stream and its messages, or a wait for what is under way. */
  async #step(run: ExportRun, context: LaneContext, signal: AbortSignal): Promise<void> {
    const next = run.next(context.settings.maxReadings);
    if (next === undefined) {
      await this.#bell.wait(signal);
      return;
    }
    const { entries } = await context.readings.chunk(next.after, next.upTo, next.count);
    if (entries.length === 0) run.drained();
    const { maxPayloadBytes } = context.session;
    const limits = { maxBytes: maxPayloadBytes, maxReadings: context.settings.maxReadings };
    for (const message of context.packer.pack(entries, limits)) {
      if (message.bytes > maxPayloadBytes) {
        run.unsendable(message.lastId, message.count);
        continue;
      }
      await this.#pacer.pass(message.count, signal);
      if (!(await context.slots.take(false, signal))) return;
      if (run.halted) {
        context.slots.give(false);
        return;
      }
      const landed = run.sending(message.lastId, message.count);
      void context.session.publish(message.payload, message).then(async (outcome) => {
        context.slots.give(false);
        if (outcome.kind === 'later' || outcome.kind === 'refused') {
          await this.#parts.clock.sleepMs(PAUSE_MS, signal);
        }
        landed(outcome);
        this.#bell.ring();
      });
    }
    await this.#tell(run);
  }

  /** Stores the position and tells how far it is, each once in a while. */
  async #tell(run: ExportRun): Promise<void> {
    const { store, answers, clock } = this.#parts;
    const { job } = run;
    const nowMs = clock.monotonicMs();
    if (nowMs - this.#savedAtMs >= SAVE_EVERY_MS && !run.halted) {
      this.#savedAtMs = nowMs;
      await store.apply({ exports: [[job.recordKey, job]] });
    }
    if (nowMs - this.#toldAtMs < PROGRESS_EVERY_MS) return;
    if (this.#toldAtMs > 0 && job.sent > 0) {
      const progress: Outcome = { status: 'running', ...counts(job) };
      void answers.sendNow(job.source, renderAnswer(job.echo, progress));
    }
    this.#toldAtMs = nowMs;
  }

  async #finish(run: ExportRun): Promise<void> {
    await this.#parts.store.apply(lastChange(run.job, { status: 'done', ...counts(run.job) }));
    this.#remove(run, 'done');
    this.#parts.answers.wake();
  }

  #remove(run: ExportRun, outcome: string): void {
    this.#runs = this.#runs.filter((other) => other !== run);
    const { id, source } = run.job;
    const fields = { command: 'send_measurements', id, source, outcome };
    this.#parts.report('info', 'command_done', fields);
    this.#bell.ring();
  }

  #find(target: CommandId): ExportRun | undefined {
    const id = JSON.stringify(target);
    return this.#runs.find((run) => run.job.id === id);
  }
}

function counts(job: ExportJob): Outcome {
  return { sent: job.sent, ...(job.skipped > 0 ? { skipped: job.skipped } : {}) };
}

/** The end of an export, whichever way. */
function lastChange(job: ExportJob, outcome: Outcome): Change {
  const { recordKey, source, takenMs, expiresMs } = job;
  const answer = renderAnswer(job.echo, outcome);
  const record = { takenMs, ...(expiresMs === undefined ? {} : { expiresMs }), answer };
  return {
    exports: [[recordKey, null]],
    records: [[recordKey, record]],
    answers: [{ source, answer }],
  };
}
