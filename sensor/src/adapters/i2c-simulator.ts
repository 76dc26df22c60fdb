/**
 * Buses of the hardware simulator (`lab/`) over its Unix socket: one JSON object per line, answers
 * carry the id of their request. Connects with the first request and again after each failure, so
 * that the simulator may start later or be restarted.
 */
import { connect } from 'node:net';
import type { Socket } from 'node:net';
import { createInterface } from 'node:readline';
import { errorCode, errorMessage } from '@holdfast/kit';
import type { Clock } from '@holdfast/kit';
import { HardwareError } from '../core/hardware-error.ts';
import type { I2cBus, I2cBuses } from '../ports.ts';
import { timedOut, withTimeLimit } from '../time-limit.ts';
import { ExclusiveBus } from './exclusive-bus.ts';

type Answer = Readonly<Record<string, unknown>>;

interface Waiting {
  readonly resolve: (answer: Answer) => void;
  readonly reject: (error: HardwareError) => void;
}

class SimulatorConnection {
  readonly #path: string;
  readonly #limitMs: number;
  readonly #clock: Clock;
  readonly #waiting = new Map<number, Waiting>();
  #socket: Socket | undefined;
  #lastId = 0;

  constructor(path: string, limitMs: number, clock: Clock) {
    this.#path = path;
    this.#limitMs = limitMs;
    this.#clock = clock;
  }

  /**
   * Resolves with an answer that says `ok`; rejects with a HardwareError. Unlike a transfer in the
   * kernel, one that hangs here is given up and leaves the bus free.
   */
  async ask(request: Readonly<Record<string, unknown>>): Promise<Answer> {
    this.#lastId += 1;
    const id = this.#lastId;
    const asked = new Promise<Answer>((resolve, reject) => {
      this.#waiting.set(id, { resolve, reject });
      this.#socket ??= this.#open();
      this.#socket.write(`${JSON.stringify({ id, ...request })}\n`);
    });
    const answer = await withTimeLimit(asked, this.#limitMs, this.#clock, () => {
      this.#waiting.delete(id);
      return timedOut('simulator', this.#limitMs);
    });
    if (answer['ok'] !== true) {
      const code = typeof answer['code'] === 'string' ? answer['code'] : 'EIO';
      throw new HardwareError(code, `the simulator answers ${code}`);
    }
    return answer;
  }

  close(): void {
    this.#socket?.destroy();
  }

  #open(): Socket {
    const socket = connect(this.#path);
    const fail = (code: string, message: string) => {
      if (this.#socket !== socket) return;
      this.#socket = undefined;
      for (const { reject } of this.#waiting.values()) reject(new HardwareError(code, message));
      this.#waiting.clear();
    };
    socket.on('error', (error) => fail(errorCode(error), errorMessage(error)));
    socket.on('close', () => fail('EIO', 'the simulator has closed the connection'));
    createInterface({ input: socket })
      .on('line', (line) => this.#onLine(line))
      // readline passes the socket's errors on; they are dealt with above.
      .on('error', () => {});
    return socket;
  }

  #onLine(line: string): void {
    let answer: Answer;
    try {
      answer = JSON.parse(line) as Answer;
    } catch {
      this.#socket?.destroy();
      return;
    }
    const id = Number(answer['id']);
    this.#waiting.get(id)?.resolve(answer);
    this.#waiting.delete(id);
  }
}

class SimulatedBus implements I2cBus {
  readonly #connection: SimulatorConnection;
  readonly #number: number;

  constructor(connection: SimulatorConnection, number: number) {
    this.#connection = connection;
    this.#number = number;
  }

  async readRegisters(address: number, register: number, length: number): Promise<Uint8Array> {
    return this.#transfer(address, [register], length);
  }

  async writeRegisters(address: number, register: number, bytes: readonly number[]): Promise<void> {
    await this.#transfer(address, [register, ...bytes], 0);
  }

  async read(address: number, length: number): Promise<Uint8Array> {
    return this.#transfer(address, [], length);
  }

  async write(address: number, bytes: readonly number[]): Promise<void> {
    await this.#transfer(address, bytes, 0);
  }

  async #transfer(
    address: number,
    written: readonly number[],
    length: number,
  ): Promise<Uint8Array> {
    const write = Buffer.from(written).toString('hex');
    const request = { op: 'i2c', bus: this.#number, address, write, read: length };
    const answer = await this.#connection.ask(request);
    const bytes = Buffer.from(typeof answer['bytes'] === 'string' ? answer['bytes'] : '', 'hex');
    if (bytes.length !== length) {
      throw new HardwareError('EIO', `${bytes.length} of ${length} bytes transferred`);
    }
    return bytes;
  }
}

/**
 * @param path the simulator's Unix socket
 * @param limitMs time limit of each transfer and of the wait for it
 */
export function simulatedBuses(path: string, limitMs: number, clock: Clock): I2cBuses {
  const connection = new SimulatorConnection(path, limitMs, clock);
  const buses = new Map<number, I2cBus>();
  return {
    async list() {
      const answer = await connection.ask({ op: 'i2c_buses' });
      const numbers: unknown = answer['buses'];
      return Array.isArray(numbers) ? numbers.filter((n) => typeof n === 'number') : [];
    },
    bus(number) {
      const known = buses.get(number);
      if (known !== undefined) return known;
      const simulated = new SimulatedBus(connection, number);
      const bus = new ExclusiveBus(simulated, `simulated bus ${number}`, limitMs, clock);
      buses.set(number, bus);
      return bus;
    },
    async close() {
      connection.close();
    },
  };
}
