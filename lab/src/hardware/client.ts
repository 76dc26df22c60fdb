/** The person at the hardware: presses buttons, plugs and sets sensors. For tests and the demo. */
import { once } from 'node:events';
import { connect } from 'node:net';
import type { Socket } from 'node:net';
import { RequestError, parseMessage, splitLines } from './protocol.ts';
import type { Level, PlayStep } from './gpio/index.ts';
import type { I2cFault } from './i2c/index.ts';

export interface PressOptions {
  /** How long the contact is held; default 100. */
  readonly holdMs?: number;
  /** Whether the contact bounces when closing and opening; default true, as buttons do. */
  readonly bounce?: boolean;
}

/** Where a chip is. */
export interface ChipPlace {
  readonly bus: number;
  /** 7 bits, e.g. 0x76. */
  readonly address: number;
}

interface Pending {
  readonly resolve: (answer: Record<string, unknown>) => void;
  readonly reject: (error: Error) => void;
}

export class HardwareClient implements AsyncDisposable {
  readonly #socket: Socket;
  readonly #pending = new Map<number, Pending>();
  readonly #listeners = new Set<(line: number, level: Level) => void>();
  #lastId = 0;

  private constructor(socket: Socket) {
    this.#socket = socket;
    splitLines(
      socket,
      (line) => this.#take(line),
      () => socket.destroy(),
    );
    socket.on('error', () => {});
    socket.on('close', () => {
      for (const { reject } of this.#pending.values()) {
        reject(new RequestError('EPIPE', 'the simulator has gone'));
      }
      this.#pending.clear();
    });
  }

  /** Rejects with the system's error when nothing serves the path. */
  static async connect(path: string): Promise<HardwareClient> {
    const socket = connect(path);
    await once(socket, 'connect');
    return new HardwareClient(socket);
  }

  /** Any operation; rejects with a RequestError that carries the answer's code and message. */
  async request(
    op: string,
    fields: Readonly<Record<string, unknown>> = {},
  ): Promise<Record<string, unknown>> {
    const id = (this.#lastId += 1);
    const answer = new Promise<Record<string, unknown>>((resolve, reject) => {
      if (!this.#socket.writable) reject(new RequestError('EPIPE', 'the simulator has gone'));
      else this.#pending.set(id, { resolve, reject });
    });
    if (this.#socket.writable) this.#socket.write(`${JSON.stringify({ ...fields, op, id })}\n`);
    return answer;
  }

  /** Presses and releases; resolves when the contact is at rest again. */
  async press(line: number, options: PressOptions = {}): Promise<void> {
    await this.request('gpio_press', { line, holdMs: 100, bounce: true, ...options });
  }

  /** Drives a line through levels; resolves after the last. */
  async play(line: number, steps: readonly PlayStep[]): Promise<void> {
    await this.request('gpio_play', { line, steps });
  }

  /** Plugs a modelled chip into a bus; values as the chip's model takes them. */
  async plugChip(
    chip: string,
    place: ChipPlace,
    values: Readonly<Record<string, number>> = {},
  ): Promise<void> {
    await this.request('i2c_add', { ...place, chip, values });
  }

  /** Changes what a chip measures, e.g. `{ temperature_celsius: 30 }`. */
  async setChip(place: ChipPlace, values: Readonly<Record<string, number>>): Promise<void> {
    await this.request('i2c_set', { ...place, values });
  }

  async unplugChip(place: ChipPlace): Promise<void> {
    await this.request('i2c_remove', { ...place });
  }

  /** Lets a chip misbehave; `none` ends it. */
  async breakChip(place: ChipPlace, fault: I2cFault): Promise<void> {
    await this.request('i2c_fault', { ...place, fault });
  }

  /** Level of a line, inputs and outputs alike. */
  async level(line: number): Promise<Level> {
    return (await this.request('gpio_read', { line }))['level'] === 1 ? 1 : 0;
  }

  /** Opens a line and calls `listener` with each change of it. */
  async watch(line: number, listener: (level: Level) => void): Promise<Level> {
    this.#listeners.add((changed, level) => {
      if (changed === line) listener(level);
    });
    return (await this.request('gpio_open', { line }))['level'] === 1 ? 1 : 0;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#socket.destroyed) return;
    const closed = once(this.#socket, 'close');
    this.#socket.destroy();
    await closed;
  }

  #take(line: string): void {
    const message = parseMessage(line);
    if (message === undefined) return;
    if (message['event'] === 'edge') {
      const level = message['level'] === 1 ? 1 : 0;
      for (const listener of this.#listeners) listener(Number(message['line']), level);
      return;
    }
    const id = Number(message['id']);
    const pending = this.#pending.get(id);
    this.#pending.delete(id);
    if (message['ok'] === true) pending?.resolve(message);
    else {
      const code = String(message['code']);
      const text = message['message'];
      pending?.reject(new RequestError(code, typeof text === 'string' ? text : code));
    }
  }
}
