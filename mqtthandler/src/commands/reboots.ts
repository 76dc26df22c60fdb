/** Carries a reboot through to the answer after it (`core/commands/reboot.ts`). */
import type { Clock } from '@holdfast/kit';
import { errorMessage } from '@holdfast/kit';
import { KEYS } from '@holdfast/redis';
import { renderAnswer } from '../core/commands/answer.ts';
import type { Outcome } from '../core/commands/answer.ts';
import type { AcceptedCommand } from '../core/commands/parse.ts';
import {
  BEFORE_REBOOT_MS,
  NO_REBOOT_MS,
  REBOOT_ATTEMPTS,
  REBOOT_RETRY_MS,
  classifyReboot,
  decodeReboot,
  encodeReboot,
} from '../core/commands/reboot.ts';
import type { RebootRequest } from '../core/commands/reboot.ts';
import { refusal } from '../core/commands/refusal.ts';
import type { Refusal } from '../core/commands/refusal.ts';
import { Alarm } from './alarm.ts';
import type { Answers } from './answers.ts';
import type { CommandReport } from './engine.ts';
import { event } from './event.ts';
import type { Executed } from './executor.ts';
import type { CommandStore, Supervisor } from './ports.ts';

export interface RebootParts {
  readonly store: CommandStore;
  readonly answers: Answers;
  readonly clock: Clock;
  /** Undefined where nobody can reboot the device. */
  readonly supervisor: Supervisor | undefined;
  /** Kernel boot id: another one after each boot; without it no reboot could be told from none. */
  readonly bootId: string | undefined;
  readonly report: CommandReport;
  readonly redisReady: (signal: AbortSignal) => Promise<boolean>;
}

const RETRY_MS = 1_000;
const IDLE_MS = 3_600_000;

export class Reboots {
  readonly #parts: RebootParts;
  readonly #alarm: Alarm;

  constructor(parts: RebootParts) {
    this.#parts = parts;
    this.#alarm = new Alarm(parts.clock);
  }

  /** What a command `reboot` changes and is answered. */
  async ask(accepted: AcceptedCommand, recordKey: string, source: string): Promise<Executed> {
    const { store, supervisor, bootId, clock } = this.#parts;
    if (supervisor === undefined || bootId === undefined) {
      const message = 'there is no balena supervisor here to reboot the device';
      return { outcome: { error: refusal('not_supported', message) }, change: {} };
    }
    if (decodeReboot(await store.get(KEYS.commandReboot.key)) !== undefined) {
      const why = refusal('busy', 'a reboot is under way already');
      return { outcome: { error: why }, change: {} };
    }
    const { echo, signed, expiresMs } = accepted;
    const request: RebootRequest = {
      recordKey,
      source,
      echo,
      bootId,
      takenMs: clock.nowMs(),
      ...(signed && expiresMs !== undefined ? { expiresMs } : {}),
    };
    return {
      outcome: { status: 'running' },
      change: {
        keys: [[KEYS.commandReboot.key, encodeReboot(request)]],
        events: [event('reboot_requested', {})],
      },
      applied: () => this.#alarm.ring(),
    };
  }

  /** It is not certain that the last change was stored: what Redis has counts. */
  resync(): void {
    this.#alarm.ring();
  }

  async run(signal: AbortSignal): Promise<void> {
    const { store, redisReady, report, clock } = this.#parts;
    while (await redisReady(signal)) {
      try {
        const request = decodeReboot(await store.get(KEYS.commandReboot.key));
        if (request === undefined) await this.#alarm.sleepMs(IDLE_MS, signal);
        else await this.#carryThrough(request, signal);
      } catch (error) {
        report('warn', 'commands_failed', { error: errorMessage(error) });
        await clock.sleepMs(RETRY_MS, signal);
      }
    }
  }

  async #carryThrough(request: RebootRequest, signal: AbortSignal): Promise<void> {
    const { bootId, supervisor } = this.#parts;
    if (bootId !== undefined && request.bootId !== bootId) {
      await this.#finish(request, { status: 'done' }, 'rebooted');
      return;
    }
    if (supervisor === undefined || bootId === undefined) {
      const why = refusal('not_supported', 'there is no balena supervisor here any more');
      await this.#finish(request, { error: why }, 'reboot_failed');
      return;
    }
    const why = await this.#attempt(supervisor, signal);
    if (why !== undefined && !signal.aborted) {
      await this.#finish(request, { error: why }, 'reboot_failed');
    }
  }

  /** Asks the supervisor and waits to be rebooted; returns why that did not happen. */
  async #attempt(supervisor: Supervisor, signal: AbortSignal): Promise<Refusal | undefined> {
    const { clock } = this.#parts;
    await clock.sleepMs(BEFORE_REBOOT_MS, signal);
    for (let attempt = 1; !signal.aborted; attempt += 1) {
      const verdict = classifyReboot(await supervisor.reboot(signal));
      if (signal.aborted) break;
      if (verdict.kind === 'coming') {
        await clock.sleepMs(NO_REBOOT_MS, signal);
        return refusal('failed', 'the supervisor agreed, and nothing happened');
      }
      if (verdict.kind === 'refused' || attempt >= REBOOT_ATTEMPTS) return verdict.refusal;
      await clock.sleepMs(REBOOT_RETRY_MS, signal);
    }
    return undefined;
  }

  async #finish(request: RebootRequest, outcome: Outcome, name: string): Promise<void> {
    const { store, answers, report } = this.#parts;
    const { recordKey, source, echo, takenMs, expiresMs } = request;
    const answer = renderAnswer(echo, outcome);
    const record = { takenMs, ...(expiresMs === undefined ? {} : { expiresMs }), answer };
    await store.apply({
      keys: [[KEYS.commandReboot.key, null]],
      records: [[recordKey, record]],
      answers: [{ source, answer }],
      events: [event(name, {})],
    });
    const { id } = echo;
    report('info', 'command_done', {
      command: 'reboot',
      id: id === undefined ? '' : JSON.stringify(id),
      source,
      outcome: outcome.error?.code ?? 'done',
    });
    answers.wake();
  }
}
