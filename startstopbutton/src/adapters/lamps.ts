/** Lamps on the three interfaces a line can be reached through. */
import type { ChildProcess } from 'node:child_process';
import { connect } from 'node:net';
import type { Socket } from 'node:net';
import type { Gpio } from 'onoff';
import { errorCode, systemClock } from '@holdfast/kit';
import { setArguments, setOnceArguments } from '../core/gpiod.ts';
import type { LineArguments } from '../core/gpiod.ts';
import type { Level } from '../core/contact.ts';
import { LineError } from '../core/line-error.ts';
import type { Lamp, LineOptions } from '../ports.ts';
import { checkFree } from './gpiod-line.ts';
import { consumer, endTool, findLine, runTool, startTool } from './gpiod-tools.ts';
import { kernelNumber, lineError, loadOnoff } from './onoff-line.ts';

const POLL_MS = 20;
const TAKE_LIMIT_MS = 5_000;

export class OnoffLamp implements Lamp {
  readonly #options: LineOptions;
  #gpio: Gpio | undefined;

  constructor(options: LineOptions) {
    this.#options = options;
  }

  async open(): Promise<void> {
    const number = await kernelNumber(this.#options);
    const { Gpio: Line } = await loadOnoff();
    try {
      this.#gpio = new Line(number, 'low');
    } catch (error) {
      throw lineError(error, `GPIO ${this.#options.pin} (kernel number ${number})`);
    }
  }

  async show(level: Level): Promise<void> {
    try {
      this.#gpio?.writeSync(level);
    } catch (error) {
      throw lineError(error, `GPIO ${this.#options.pin}`);
    }
  }

  async close(): Promise<void> {
    const gpio = this.#gpio;
    this.#gpio = undefined;
    gpio?.unexport();
  }
}

/** `gpioset` holds one level until it is ended: each change is a new one. */
export class GpiodLamp implements Lamp {
  readonly #options: LineOptions;
  #line: LineArguments | undefined;
  #child: ChildProcess | undefined;

  constructor(options: LineOptions) {
    this.#options = options;
  }

  async open(): Promise<void> {
    const line = await findLine(this.#options.pin);
    await checkFree(line);
    this.#line = line;
    await this.show(0);
  }

  async show(level: Level): Promise<void> {
    const line = this.#line;
    if (line === undefined) return;
    if (this.#child !== undefined) await endTool(this.#child);
    const child = startTool('gpioset', setArguments(line, level));
    this.#child = child;
    let failed: Error | undefined;
    child.once('error', (error) => (failed = error));
    // It says nothing when it holds the line, and one ended before that has changed nothing.
    const endMs = systemClock.monotonicMs() + TAKE_LIMIT_MS;
    while ((await consumer(line)) === undefined && this.#child === child) {
      if (failed !== undefined || systemClock.monotonicMs() > endMs) {
        throw new LineError('line_failed', `gpioset does not get GPIO ${line.pin}`, failed);
      }
      await systemClock.sleepMs(POLL_MS);
    }
  }

  async close(): Promise<void> {
    const [child, line] = [this.#child, this.#line];
    this.#child = undefined;
    this.#line = undefined;
    if (child === undefined || line === undefined) return;
    await endTool(child);
    // The kernel may keep the level that the last one held.
    await runTool('gpioset', setOnceArguments(line, 0)).catch(() => {});
  }
}

export class SimulatorLamp implements Lamp {
  readonly #path: string;
  readonly #pin: number;
  #socket: Socket | undefined;

  constructor(path: string, { pin }: LineOptions) {
    this.#path = path;
    this.#pin = pin;
  }

  async open(): Promise<void> {
    const socket = connect(this.#path);
    this.#socket = socket;
    await new Promise<void>((resolve, reject) => {
      socket.once('connect', resolve);
      socket.on('error', (error) => {
        const code = errorCode(error);
        reject(new LineError('no_simulator', `no hardware simulator at ${this.#path} (${code})`));
      });
    });
    socket.resume();
    await this.show(0);
  }

  async show(level: Level): Promise<void> {
    const socket = this.#socket;
    if (socket?.writable !== true) throw new LineError('line_lost', 'the simulator has gone');
    socket.write(`${JSON.stringify({ id: 1, op: 'gpio_write', line: this.#pin, level })}\n`);
  }

  async close(): Promise<void> {
    const socket = this.#socket;
    this.#socket = undefined;
    if (socket === undefined || socket.closed) return;
    const closed = new Promise((resolve) => socket.once('close', resolve));
    socket.end();
    await closed;
  }
}
