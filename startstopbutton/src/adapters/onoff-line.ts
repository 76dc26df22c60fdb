/**
 * A line through onoff and the kernel's sysfs interface. Both edges are taken and onoff's own
 * debouncing is left off: it waits for silence and so loses a press shorter than that (hardware
 * facts, section 4.4). onoff reads the level when this program runs, and the kernel joins the edges
 * before; nobody knows their times. sysfs cannot set a pull; the firmware does, at boot.
 */
import type { Gpio } from 'onoff';
import { errorCode, errorMessage, systemClock } from '@holdfast/kit';
import { LineError } from '../core/line-error.ts';
import { pullAdvice } from '../core/pull.ts';
import { sysfsNumber } from '../core/sysfs.ts';
import type { GpioLine, LineListener, LineOptions } from '../ports.ts';
import { isExported, readChips } from './sysfs-chips.ts';

export class OnoffLine implements GpioLine {
  readonly backend = 'onoff';
  readonly #options: LineOptions;
  #gpio: Gpio | undefined;
  #wasExported = false;

  constructor(options: LineOptions) {
    this.#options = options;
  }

  get remarks(): readonly string[] {
    const { pin, pull } = this.#options;
    const advice = pullAdvice(pin, pull);
    const takenOver =
      `GPIO ${pin} was exported already, by another program or an earlier life of this service ` +
      `that was killed: taken over`;
    return [...(advice ? [advice.text] : []), ...(this.#wasExported ? [takenOver] : [])];
  }

  async open(listener: LineListener): Promise<void> {
    const { pin } = this.#options;
    const number = await kernelNumber(this.#options);
    const library = await loadOnoff();
    this.#wasExported = isExported(number);
    const gpio = this.#export(library.Gpio, number);
    this.#gpio = gpio;
    if (gpio.direction() !== 'in' || gpio.edge() !== 'both') {
      // onoff says nothing when it may not change a line that was exported before.
      await this.close();
      throw new LineError(
        'line_busy',
        `GPIO ${pin} (kernel number ${number}) is exported already, by a program that has set it ` +
          `otherwise, and cannot be changed: end that program, or write ${number} to ` +
          `/sys/class/gpio/unexport`,
      );
    }
    listener.onOpened(gpio.readSync());
    gpio.watch((error, level) => {
      if (this.#gpio !== gpio) return;
      if (error) listener.onLost(new LineError('line_lost', errorMessage(error), error));
      else listener.onEdge(level, systemClock.monotonicMs(), false);
    });
  }

  async close(): Promise<void> {
    const gpio = this.#gpio;
    this.#gpio = undefined;
    gpio?.unexport();
  }

  #export(Line: typeof Gpio, number: number): Gpio {
    try {
      return new Line(number, 'in', 'both');
    } catch (error) {
      throw lineError(error, `GPIO ${this.#options.pin} (kernel number ${number})`);
    }
  }
}

/** @throws LineError when there is no such line */
export async function kernelNumber({ pin, sysfsBase }: LineOptions): Promise<number> {
  const chips = await readChips();
  return sysfsBase === undefined ? sysfsNumber(chips, pin) : sysfsBase + pin;
}

/** The system's error when exporting a line, by what can be done about it. */
export function lineError(error: unknown, line: string): LineError {
  const code = errorCode(error);
  switch (code) {
    case 'EBUSY':
      return new LineError(
        'line_busy',
        `${line} is taken by another program or a kernel driver (SPI chip selects are, for one)`,
        error,
      );
    case 'EACCES':
    case 'EPERM':
    case 'EROFS':
      return new LineError(
        'no_permission',
        `may not use ${line} (${code}): the container needs to be privileged, with /sys writable`,
        error,
      );
    case 'EINVAL':
      return new LineError('no_such_line', `the kernel has no ${line}; is GPIO_BASE right?`, error);
    default:
      return new LineError('line_failed', `${line}: ${errorMessage(error)}`, error);
  }
}

/** Loaded only when needed: a machine without it can still run on the simulator. */
export async function loadOnoff(): Promise<typeof import('onoff')> {
  try {
    return await import('onoff');
  } catch (error) {
    throw new LineError('no_library', `onoff does not load: ${errorMessage(error)}`, error);
  }
}
