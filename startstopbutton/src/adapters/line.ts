/** Which interface the lines are reached through. */
import { LineError } from '../core/line-error.ts';
import type { GpioLine, Lamp, LineListener, LineOptions } from '../ports.ts';
import { GpiodLine } from './gpiod-line.ts';
import { GpiodLamp, OnoffLamp, SimulatorLamp } from './lamps.ts';
import { OnoffLine } from './onoff-line.ts';
import { SimulatorLine } from './simulator-line.ts';

export type Backend = 'auto' | 'sysfs' | 'chardev';

export interface Interface {
  /** Path of the simulator's socket; where it is given there is no other interface. */
  readonly simulatorPath: string | undefined;
  readonly backend: Backend;
}

export function lineFor({ simulatorPath, backend }: Interface, options: LineOptions): GpioLine {
  if (simulatorPath !== undefined) return new SimulatorLine(simulatorPath, options);
  if (backend === 'sysfs') return new OnoffLine(options);
  if (backend === 'chardev') return new GpiodLine(options);
  return new FirstLine([new OnoffLine(options), new GpiodLine(options)]);
}

export function lampFor({ simulatorPath, backend }: Interface, options: LineOptions): Lamp {
  if (simulatorPath !== undefined) return new SimulatorLamp(simulatorPath, options);
  if (backend === 'sysfs') return new OnoffLamp(options);
  if (backend === 'chardev') return new GpiodLamp(options);
  return new FirstLamp([new OnoffLamp(options), new GpiodLamp(options)]);
}

/** The interface is not there at all; any other failure would be the same through the next one. */
const ABSENT: readonly string[] = ['no_sysfs_gpio', 'no_library'];

/** Opens the first that is there; rejects with what is wrong with each. */
async function openFirst<T>(candidates: readonly T[], open: (one: T) => Promise<void>): Promise<T> {
  const failures: LineError[] = [];
  for (const candidate of candidates) {
    try {
      await open(candidate);
      return candidate;
    } catch (error) {
      if (!(error instanceof LineError)) throw error;
      failures.push(error);
      if (!ABSENT.includes(error.code)) break;
    }
  }
  const code = failures.at(-1)?.code ?? 'line_failed';
  throw new LineError(code, failures.map(({ message }) => message).join('; and '), failures.at(-1));
}

/** The line on the first interface there is, chosen anew with each `open`. */
class FirstLine implements GpioLine {
  readonly #candidates: readonly GpioLine[];
  #chosen: GpioLine | undefined;

  constructor(candidates: readonly GpioLine[]) {
    this.#candidates = candidates;
  }

  get backend(): string {
    return this.#chosen?.backend ?? 'auto';
  }

  get remarks(): readonly string[] {
    return this.#chosen?.remarks ?? [];
  }

  async open(listener: LineListener): Promise<void> {
    await openFirst(this.#candidates, async (line) => {
      this.#chosen = line;
      await line.open(listener);
    });
  }

  async close(): Promise<void> {
    await Promise.all(this.#candidates.map(async (line) => line.close()));
  }
}

class FirstLamp implements Lamp {
  readonly #candidates: readonly Lamp[];
  #chosen: Lamp | undefined;

  constructor(candidates: readonly Lamp[]) {
    this.#candidates = candidates;
  }

  async open(): Promise<void> {
    this.#chosen = await openFirst(this.#candidates, async (lamp) => lamp.open());
  }

  async show(level: 0 | 1): Promise<void> {
    await this.#chosen?.show(level);
  }

  async close(): Promise<void> {
    await Promise.all(this.#candidates.map(async (lamp) => lamp.close()));
  }
}
