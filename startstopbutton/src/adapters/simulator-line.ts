/** A line of the hardware simulator: JSON objects, one per line, over a Unix socket. */
import { connect } from 'node:net';
import type { Socket } from 'node:net';
import { createInterface } from 'node:readline';
import { errorCode, systemClock } from '@holdfast/kit';
import type { Level } from '../core/contact.ts';
import { LineError } from '../core/line-error.ts';
import type { GpioLine, LineListener, LineOptions } from '../ports.ts';

interface SimulatorMessage {
  readonly event?: string;
  readonly level?: Level;
  /** CLOCK_MONOTONIC, the clock of this machine. */
  readonly atMs?: number;
  readonly ok?: boolean;
  readonly message?: string;
}

export class SimulatorLine implements GpioLine {
  readonly backend = 'simulator';
  readonly remarks = [];
  readonly #path: string;
  readonly #options: LineOptions;
  #socket: Socket | undefined;

  constructor(path: string, options: LineOptions) {
    this.#path = path;
    this.#options = options;
  }

  open(listener: LineListener): Promise<void> {
    const { pin, pull } = this.#options;
    const socket = connect(this.#path);
    this.#socket = socket;
    return new Promise((resolve, reject) => {
      let isOpen = false;
      let reason = 'closed';
      socket.on('error', (error) => (reason = errorCode(error)));
      socket.on('close', () => {
        if (!isOpen) reject(this.#absent(reason));
        else if (this.#socket === socket) {
          listener.onLost(new LineError('line_lost', `the hardware simulator has gone: ${reason}`));
        }
      });
      const lines = createInterface({ input: socket });
      // It passes the socket's error on, which has been taken above.
      lines.on('error', () => {});
      lines.on('line', (line) => {
        const message = JSON.parse(line) as SimulatorMessage;
        if (this.#socket !== socket) return;
        if (message.event === 'edge' && message.level !== undefined) {
          const { level, atMs } = message;
          listener.onEdge(level, atMs ?? systemClock.monotonicMs(), atMs !== undefined);
        } else if (message.ok === false) {
          reject(new LineError('no_such_line', `simulator: ${message.message ?? line}`));
          socket.destroy();
        } else if (!isOpen && message.level !== undefined) {
          isOpen = true;
          listener.onOpened(message.level);
          resolve();
        }
      });
      const request = { id: 1, op: 'gpio_open', line: pin };
      const pulled = pull === 'NONE' ? request : { ...request, pull: pull.toLowerCase() };
      socket.write(`${JSON.stringify(pulled)}\n`);
    });
  }

  async close(): Promise<void> {
    const socket = this.#socket;
    this.#socket = undefined;
    if (socket === undefined || socket.closed) return;
    const closed = new Promise((resolve) => socket.once('close', resolve));
    socket.destroy();
    await closed;
  }

  #absent(reason: string): LineError {
    return new LineError('no_simulator', `no hardware simulator at ${this.#path} (${reason})`);
  }
}
