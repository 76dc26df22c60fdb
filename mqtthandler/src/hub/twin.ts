/**
 * Keeps the device twin: desired properties under `config` are carried out, reported properties show
 * values, outcomes, versions and a summary of the device.
 *
 * At each connection the changes are subscribed to first, then the whole twin is read: nothing falls
 * between. A request that fails is tried again, with growing waits; the hub's own time is respected.
 */
import { backoffMs, errorMessage } from '@holdfast/kit';
import { Alarm } from '../commands/alarm.ts';
import type { JsonObject } from '../core/commands/json.ts';
import { twinFailure } from '../core/hub/wire.ts';
import { patchOf, patched, reportedConfig, versionOf, wishesOf } from '../core/hub/twin.ts';
import type { Carried } from '../core/hub/twin.ts';
import { DesiredConfig } from './desired.ts';
import type { DesiredParts } from './desired.ts';
import type { TwinLink } from './ports.ts';

export interface TwinParts extends DesiredParts {
  /** The section `state`: what the device does, in short. Rejects with Redis' error. */
  readonly summary: () => Promise<JsonObject>;
}

/** Between attempts at one request: the hub allows few twin operations a second for a whole fleet. */
const BACKOFF = { floorMs: 5_000, capMs: 300_000 };
/** The summary is looked at so often, and sent when it has changed: each report is a message paid for. */
const SUMMARY_EVERY_MS = 60_000;
/** Changes that come together are reported together. */
const SETTLE_MS = 500;

interface LateAnswer {
  readonly value: JsonObject;
  /** Told when it is reported, also for the older ones it stands for. */
  readonly waiting: ((told: boolean) => void)[];
}

export class HubTwin {
  readonly #parts: TwinParts;
  readonly #alarm: Alarm;
  #values: ReadonlyMap<string, string | null> = new Map();
  #carried: Map<string, Carried> | undefined;
  #answer: LateAnswer | undefined;

  constructor(parts: TwinParts) {
    this.#parts = parts;
    this.#alarm = new Alarm(parts.clock);
  }

  /** The present values of the keys that can be set. */
  setValues(values: ReadonlyMap<string, string | null>): void {
    this.#values = values;
    this.#alarm.ring();
  }

  /**
   * Reports an answer of a command that was answered before; the newest one counts. Resolves true when
   * the hub has it or a newer one, or will not have it; false when `signal` aborts before.
   */
  reportAnswer(value: JsonObject, signal: AbortSignal): Promise<boolean> {
    return new Promise((resolve) => {
      this.#answer = { value, waiting: [...(this.#answer?.waiting ?? []), resolve] };
      signal.addEventListener('abort', () => resolve(false), { once: true });
      if (signal.aborted) resolve(false);
      this.#alarm.ring();
    });
  }

  /** Redis was away or is another one: what was carried out is read again. */
  forget(): void {
    this.#carried = undefined;
    this.#alarm.ring();
  }

  /** Serves one connection until `signal` aborts. Never rejects. */
  async serve(link: TwinLink, signal: AbortSignal): Promise<void> {
    const pushed: JsonObject[] = [];
    const subscribe = () =>
      link.onDesired((patch) => {
        pushed.push(patch);
        this.#alarm.ring();
      });
    await this.#persist('subscribe', subscribe, signal);
    const config = new DesiredConfig(this.#parts);
    let reported: JsonObject | undefined;
    let version = 0;
    while (!signal.aborted) {
      if (reported === undefined || this.#carried === undefined) {
        const twin = await this.#persist('read', () => link.readTwin(), signal);
        if (twin === undefined) return;
        ({ reported } = twin);
        version = versionOf(twin.desired);
        config.forget();
        await this.#apply(config, twin.desired, true, signal);
      }
      const patch = pushed.shift();
      if (patch !== undefined) {
        const next = versionOf(patch);
        // Older than what was read; or one before it was missed: the whole is read again.
        if (next > version + 1) reported = undefined;
        else if (next > version) {
          version = next;
          await this.#apply(config, patch, false, signal);
        }
        continue;
      }
      if (this.#carried !== undefined) await config.again(this.#carried, signal);
      reported = await this.#tell(link, reported, signal);
      await this.#alarm.sleepMs(Math.min(SUMMARY_EVERY_MS, config.dueInMs), signal);
      if (!signal.aborted && pushed.length === 0)
        await this.#parts.clock.sleepMs(SETTLE_MS, signal);
    }
  }

  async #apply(
    config: DesiredConfig,
    desired: JsonObject,
    whole: boolean,
    signal: AbortSignal,
  ): Promise<void> {
    const { memory } = this.#parts;
    const carried = await this.#persist('memory', () => memory.load(), signal);
    if (carried === undefined) return;
    this.#carried = carried;
    config.withdraw(desired);
    await config.carryOut(wishesOf(desired, carried, whole), carried, signal);
  }

  /** Reports what has changed; returns what the hub has now. */
  async #tell(link: TwinLink, known: JsonObject, signal: AbortSignal): Promise<JsonObject> {
    const state = await this.#parts.summary().catch(() => undefined);
    const answer = this.#answer;
    const wanted = {
      config: reportedConfig(this.#values, this.#carried ?? new Map()),
      ...(state === undefined ? {} : { state }),
      ...(answer === undefined ? {} : { answer: answer.value }),
    };
    const patch = patchOf(known, wanted) ?? {};
    const sections = Object.entries(patch);
    const result = sections.length === 0 ? 'told' : await this.#report(link, patch, signal);
    if (result === 'told') this.#reported(answer);
    if (result !== 'refused') return patched(known, patch);
    // One section is at fault, and takes none of the others with it.
    let told = known;
    for (const [name, change] of sections) {
      const part = { [name]: change };
      const again = sections.length === 1 ? result : await this.#report(link, part, signal);
      if (name === 'answer' && again !== 'over') this.#reported(answer);
      // Of the others something new will come; until then they count as told.
      if (name === 'answer' && again === 'refused') this.#drop(answer);
      else told = patched(told, part);
    }
    return told;
  }

  #reported(answer: LateAnswer | undefined): void {
    for (const tell of answer?.waiting.splice(0) ?? []) tell(true);
  }

  /** What the twin does not take is not offered again; a newer one is. */
  #drop(answer: LateAnswer | undefined): void {
    if (this.#answer === answer) this.#answer = undefined;
  }

  /** Sends one patch; a refused one is not repeated: the same again would be refused again. */
  async #report(
    link: TwinLink,
    patch: JsonObject,
    signal: AbortSignal,
  ): Promise<'told' | 'refused' | 'over'> {
    let refused = false;
    const told = await this.#persist(
      'report',
      () => link.reportTwin(patch).then(() => true),
      signal,
      (error) => {
        refused = twinFailure(errorMessage(error))?.status === 400;
        return refused;
      },
    );
    if (told === true) return 'told';
    if (!refused) return 'over';
    const what = `reported properties: ${Object.keys(patch).join(', ')}`;
    this.#parts.report('warn', 'hub_fault', { what, error: 'refused' });
    return 'refused';
  }

  /** Tries until it works; undefined when `signal` aborts before, or `givesUp` says so. */
  async #persist<T>(
    what: string,
    attempt: () => Promise<T>,
    signal: AbortSignal,
    givesUp: (error: unknown) => boolean = () => false,
  ): Promise<T | undefined> {
    const { clock, random, report } = this.#parts;
    for (let attempts = 1; !signal.aborted; attempts += 1) {
      try {
        return await attempt();
      } catch (error) {
        if (signal.aborted || givesUp(error)) return undefined;
        const message = errorMessage(error);
        if (attempts === 1) report('warn', 'hub_fault', { what: `twin ${what}`, error: message });
        const askedMs = twinFailure(message)?.retryAfterMs ?? 0;
        await clock.sleepMs(Math.max(askedMs, backoffMs(BACKOFF, attempts, random)), signal);
      }
    }
    return undefined;
  }
}
