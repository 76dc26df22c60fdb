/**
 * Operations on GPIO lines:
 * - `gpio_open {line, pull?}` -> `{level}`; from then on the connection gets
 *   `{"event":"edge","line":2,"level":0,"atMs":81021.4}` for every change of the level, with the
 *   time of it (CLOCK_MONOTONIC), as the kernel's character device has it
 * - `gpio_read {line}` -> `{level}`
 * - `gpio_write {line, level}`: a program drives an output (LED)
 * - `gpio_play {line, steps: [{level: 0|1|"idle", holdMicros}]}`: the world drives the line;
 *   answered after the last step, whose level stays
 * - `gpio_press {line, holdMs, bounce}`: a push button against the idle level; answered when it is
 *   at rest. Presses and plays of one line wait for each other.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { systemClock, systemRandom } from '@holdfast/kit';
import type { Random } from '@holdfast/kit';
import { RequestError } from '../protocol.ts';
import type { Peer, RequestHandler } from '../protocol.ts';
import { GpioBank, LINE_COUNT } from './bank.ts';
import type { Level } from './bank.ts';
import { pressSteps } from './bounce.ts';
import type { PlayStep } from './bounce.ts';

const MAX_HOLD_MS = 60_000;
const MAX_STEPS = 10_000;
/** Timers are exact to about a millisecond; what is shorter is waited for actively. */
const TIMER_GRAIN_MS = 2;

type Request = Record<string, unknown>;

export class GpioSimulation implements RequestHandler {
  readonly bank = new GpioBank();
  readonly #random: Random;
  /** The end of what is being played, by line. */
  readonly #playing = new Map<number, Promise<void>>();
  readonly #opened = new WeakMap<Peer, Set<number>>();

  constructor(random: Random = systemRandom) {
    this.#random = random;
  }

  async handle(request: Request, peer: Peer): Promise<Record<string, unknown>> {
    const line = wholeNumber(request, 'line', LINE_COUNT - 1);
    switch (request['op']) {
      case 'gpio_open':
        return this.#open(line, request['pull'], peer);
      case 'gpio_read':
        return { level: this.bank.level(line) };
      case 'gpio_write':
        this.bank.drive(line, levelOf(request['level']));
        return {};
      case 'gpio_play':
        await this.#play(line, stepsOf(request['steps']));
        return {};
      case 'gpio_press':
        await this.#press(line, request);
        return {};
      default:
        throw new RequestError('ENOSYS', `unknown operation ${String(request['op'])}`);
    }
  }

  #open(line: number, pull: unknown, peer: Peer): Record<string, unknown> {
    if (pull === 'up' || pull === 'down') this.bank.setPull(line, pull);
    else if (pull !== undefined) throw new RequestError('EINVAL', 'pull is up or down');
    const opened = this.#opened.get(peer) ?? new Set();
    this.#opened.set(peer, opened);
    if (!opened.has(line)) {
      opened.add(line);
      const off = this.bank.listen(line, (changed, level, atMs) =>
        peer.send({ event: 'edge', line: changed, level, atMs }),
      );
      peer.onClose(off);
    }
    return { level: this.bank.level(line) };
  }

  async #press(line: number, request: Request): Promise<void> {
    const holdMs = wholeNumber(request, 'holdMs', MAX_HOLD_MS, 100);
    const active: Level = this.bank.idleLevel(line) === 1 ? 0 : 1;
    const random = request['bounce'] === true ? this.#random : undefined;
    await this.#play(line, pressSteps(active, holdMs, random));
  }

  async #play(line: number, steps: readonly PlayStep[]): Promise<void> {
    const before = this.#playing.get(line) ?? Promise.resolve();
    const played = before.then(() => playSteps(this.bank, line, steps));
    this.#playing.set(line, played);
    await played;
  }
}

/** The times told are those of the steps: a contact does not stand still when this program does. */
async function playSteps(bank: GpioBank, line: number, steps: readonly PlayStep[]): Promise<void> {
  let untilMs = systemClock.monotonicMs();
  for (const { level, holdMicros } of steps) {
    bank.drive(line, level === 'idle' ? undefined : level, untilMs);
    untilMs += holdMicros / 1000;
    const waitMs = untilMs - systemClock.monotonicMs();
    if (waitMs > TIMER_GRAIN_MS) await sleep(waitMs - TIMER_GRAIN_MS);
    while (systemClock.monotonicMs() < untilMs);
  }
}

function levelOf(value: unknown): Level {
  if (value === 0 || value === 1) return value;
  throw new RequestError('EINVAL', 'level is 0 or 1');
}

function wholeNumber(request: Request, name: string, max: number, fallback?: number): number {
  const value = request[name] ?? fallback;
  if (typeof value === 'number' && Number.isInteger(value) && value >= 0 && value <= max) {
    return value;
  }
  throw new RequestError('EINVAL', `${name} is a whole number from 0 to ${max}`);
}

function stepsOf(value: unknown): PlayStep[] {
  if (!Array.isArray(value) || value.length > MAX_STEPS) {
    throw new RequestError('EINVAL', `steps is a list of at most ${MAX_STEPS} steps`);
  }
  return value.map((item: unknown) => {
    const step = (typeof item === 'object' && item !== null ? item : {}) as Request;
    const level = step['level'] === 'idle' ? 'idle' : levelOf(step['level']);
    return { level, holdMicros: wholeNumber(step, 'holdMicros', MAX_HOLD_MS * 1000, 0) };
  });
}
