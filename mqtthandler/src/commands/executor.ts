/**
 * Carries out one command: says what to change and what to answer, as data. Whoever calls it applies
 * both in one step.
 */
import {
  KEYS,
  compareIds,
  keySpec,
  parseEnabled,
  parseStreamId,
  streamIdMs,
} from '@holdfast/redis';
import type { DeviceEvent } from '@holdfast/redis';
import type { Clock } from '@holdfast/kit';
import type { Outcome } from '../core/commands/answer.ts';
import type { AcceptedCommand } from '../core/commands/parse.ts';
import { refusal } from '../core/commands/refusal.ts';
import type { Command } from '../core/commands/schema.ts';
import { event } from './event.ts';
import type { Exports } from './exports.ts';
import type { Change, CommandStore } from './ports.ts';
import type { Reboots } from './reboots.ts';

export interface Executed {
  readonly outcome: Outcome;
  readonly change: Change;
  /** To be called when the change stands in Redis. */
  readonly applied?: () => void;
}

export interface ExecutorParts {
  readonly store: CommandStore;
  readonly clock: Clock;
  readonly exports: Exports;
  readonly reboots: Reboots;
  /** A destination's cursor was set: the forwarder must go on from there. */
  readonly onCursorSet: (key: string) => void;
}

export class Executor {
  readonly #parts: ExecutorParts;

  constructor(parts: ExecutorParts) {
    this.#parts = parts;
  }

  /** Whether a command changes nothing: it need not be stored before it is carried out. */
  onlyReads(command: Command): boolean {
    return command.name === 'get_config' || command.name === 'get_status';
  }

  /** Rejects with Redis' or the connection's error. */
  async execute(accepted: AcceptedCommand, recordKey: string, source: string): Promise<Executed> {
    const { command } = accepted;
    const { store, exports, reboots } = this.#parts;
    switch (command.name) {
      case 'get_config':
        return answered({ value: await store.get(command.key) });
      case 'set_config':
        return await this.#setConfig(command.key, command.value, accepted);
      case 'get_status':
        return answered({ value: await store.statuses() });
      case 'reprovision':
        return this.#reprovision(source);
      case 'reboot':
        return await reboots.ask(accepted, recordKey, source);
      case 'send_measurements':
        return await exports.begin(command, accepted, recordKey, source);
      case 'cancel':
        return await exports.cancel(command.target);
    }
  }

  /** The connection broke while a change was being stored: nobody knows whether it was. */
  resync(): void {
    const { exports, reboots } = this.#parts;
    exports.resync();
    reboots.resync();
  }

  async run(signal: AbortSignal): Promise<void> {
    await Promise.all([this.#parts.exports.run(signal), this.#parts.reboots.run(signal)]);
  }

  async #setConfig(key: string, value: string, { echo }: AcceptedCommand): Promise<Executed> {
    const present = await this.#parts.store.get(key);
    if (isCursor(key)) {
      const fault = await this.#cursorFault(parseStreamId(present ?? '-'), parseStreamId(value));
      if (fault !== undefined) return answered({ error: refusal('bad_value', fault) });
    }
    const events = present === value ? [] : [configEvent(key, value, present)];
    return {
      outcome: { value: echo['value'] },
      change: { keys: [[key, value]], events },
      ...(isCursor(key) ? { applied: () => this.#parts.onCursorSet(key) } : {}),
    };
  }

  /** A cursor set ahead loses readings that nobody would be told of. */
  async #cursorFault(
    present: string | undefined,
    wanted: string | undefined,
  ): Promise<string | undefined> {
    if (present === undefined || wanted === undefined) return undefined;
    if (compareIds(wanted, present) <= 0) return undefined;
    const { store, clock } = this.#parts;
    if (await store.anyReading(present, wanted)) {
      return `value: readings after ${present} are still to be sent and would be skipped`;
    }
    // New readings get ids by the clock, or just after the newest one.
    const ahead = streamIdMs(wanted) > clock.nowMs();
    return ahead && compareIds(wanted, await store.newestId()) > 0
      ? 'value: lies in the future; readings until then would be skipped'
      : undefined;
  }

  #reprovision(source: string): Executed {
    const request = `${Math.round(this.#parts.clock.nowMs())} ${source}`;
    return {
      outcome: { status: 'requested' },
      change: {
        keys: [[KEYS.provisioningRequest.key, request]],
        events: [event('reprovision_requested', {})],
      },
    };
  }
}

function answered(outcome: Outcome): Executed {
  return { outcome, change: {} };
}

function isCursor(key: string): boolean {
  return keySpec(key)?.value?.kind === 'stream_id';
}

/** Pausing and resuming looks the same on the time line whoever did it. */
function configEvent(key: string, value: string, before: string | null): DeviceEvent {
  if (key === KEYS.enabled.key && parseEnabled(value) !== parseEnabled(before)) {
    return event(parseEnabled(value) ? 'measuring_started' : 'measuring_stopped', {});
  }
  return event('config_set', { key, value });
}
