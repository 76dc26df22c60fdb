/**
 * Sensirion's chips and AHT20 as seen from the bus: commands, conversion times, check sums; whatever
 * is read too early or without a command is not acknowledged (sources as in the sensor's drivers).
 */
import { Nak, clampRound, withValues } from './chip.ts';
import type { Chip, ChipValues } from './chip.ts';

export function crc8(bytes: Iterable<number>): number {
  let crc = 0xff;
  for (const byte of bytes) {
    crc ^= byte;
    for (let bit = 0; bit < 8; bit += 1) crc = ((crc << 1) ^ (crc & 0x80 ? 0x131 : 0)) & 0x1ff;
  }
  return crc;
}

function words(...values: readonly number[]): Uint8Array {
  return Uint8Array.from(
    values.flatMap((value) => {
      const pair = [value >> 8, value & 0xff];
      return [...pair, crc8(pair)];
    }),
  );
}

const share = (value: number) => clampRound(value * 65_535, 0, 65_535);
const celsiusWord = (celsius: number) => share((celsius + 45) / 175);

/** Chips that answer one command at a time. */
abstract class CommandChip implements Chip {
  protected readonly nowMs: () => number;
  #answer: Uint8Array | undefined;
  #readyAtMs = 0;

  constructor(nowMs: () => number) {
    this.nowMs = nowMs;
  }

  write(bytes: Uint8Array): void {
    this.#answer = undefined;
    const reply = this.onCommand(bytes);
    if (reply === undefined) return;
    this.#answer = reply.answer;
    this.#readyAtMs = this.nowMs() + reply.afterMs;
  }

  read(length: number): Uint8Array {
    const answer = this.#answer;
    if (answer === undefined || this.nowMs() < this.#readyAtMs) throw new Nak();
    this.#answer = undefined;
    // Beyond its answer the chip leaves the wire high.
    return Uint8Array.from({ length }, (_, i) => answer[i] ?? 0xff);
  }

  spoil(answer: Uint8Array): void {
    for (let i = 2; i < answer.length; i += 3) answer[i] = (answer[i] ?? 0) ^ 0x01;
  }

  abstract set(values: ChipValues): void;
  /** @throws Nak for what the chip does not acknowledge */
  protected abstract onCommand(
    bytes: Uint8Array,
  ): { readonly answer: Uint8Array; readonly afterMs: number } | undefined;
}

const CLIMATE = { temperature_celsius: 21.5, humidity_percent: 45 };

export class Sht3x extends CommandChip {
  #values = CLIMATE;

  set(values: ChipValues): void {
    this.#values = withValues(this.#values, values);
  }

  protected onCommand(bytes: Uint8Array) {
    const [high = 0, low] = bytes;
    // Half a command is ignored.
    const command = low === undefined ? 0 : (high << 8) | low;
    const { temperature_celsius: t, humidity_percent: rh } = this.#values;
    if (command === 0x2400)
      return { answer: words(celsiusWord(t), share(rh / 100)), afterMs: 12.5 };
    if (command === 0xf32d) return { answer: words(0x8010), afterMs: 0 };
    if (command === 0x3780) return { answer: words(0x0123, 0x4567), afterMs: 0.5 };
    return undefined;
  }
}

export class Sht4x extends CommandChip {
  #values = CLIMATE;

  set(values: ChipValues): void {
    this.#values = withValues(this.#values, values);
  }

  protected onCommand([command = 0]: Uint8Array) {
    const { temperature_celsius: t, humidity_percent: rh } = this.#values;
    const climate = words(celsiusWord(t), share((rh + 6) / 125));
    if (command === 0xfd) return { answer: climate, afterMs: 6.9 };
    if (command === 0x89) return { answer: words(0x0ab1, 0x2cd3), afterMs: 0.1 };
    if (command === 0x94) return undefined;
    throw new Nak();
  }
}

const AIR = { co2_ppm: 620, ...CLIMATE };
const PERIOD_MS = 5_000;

export class Scd4x extends CommandChip {
  #values = AIR;
  /** When periodic measurement began; undefined = idle. */
  #startedMs: number | undefined;
  #taken = 0;
  #deafUntilMs = 0;

  set(values: ChipValues): void {
    this.#values = withValues(this.#values, values);
  }

  protected onCommand([high = 0, low = 0]: Uint8Array) {
    if (this.nowMs() < this.#deafUntilMs) throw new Nak();
    const command = (high << 8) | low;
    switch (command) {
      case 0xe4b8:
        return { answer: words(this.#isReady() ? 0x8006 : 0x8000), afterMs: 0.5 };
      case 0xec05:
        return this.#measured();
      case 0x3f86:
        this.#startedMs = undefined;
        this.#deafUntilMs = this.nowMs() + 450;
        return undefined;
      default:
        return this.#inIdle(command);
    }
  }

  #inIdle(command: number) {
    if (this.#startedMs !== undefined) throw new Nak();
    if (command === 0x21b1) {
      this.#startedMs = this.nowMs();
      this.#taken = 0;
      return undefined;
    }
    if (command === 0x3682) return { answer: words(0xbe02, 0x7f07, 0x3bdd), afterMs: 0.5 };
    throw new Nak();
  }

  /** Number of values measured since the start. */
  #count(): number {
    if (this.#startedMs === undefined) return 0;
    return Math.floor((this.nowMs() - this.#startedMs) / PERIOD_MS);
  }

  #isReady(): boolean {
    return this.#count() > this.#taken;
  }

  #measured() {
    if (!this.#isReady()) throw new Nak();
    this.#taken = this.#count();
    const { co2_ppm: co2, temperature_celsius: t, humidity_percent: rh } = this.#values;
    const answer = words(clampRound(co2, 0, 65_535), celsiusWord(t), share(rh / 100));
    return { answer, afterMs: 0.5 };
  }
}

export class Aht20 implements Chip {
  readonly #nowMs: () => number;
  #values = CLIMATE;
  /** When the measurement under way is done; undefined = never measured. */
  #doneAtMs: number | undefined;

  constructor(nowMs: () => number) {
    this.#nowMs = nowMs;
  }

  set(values: ChipValues): void {
    this.#values = withValues(this.#values, values);
  }

  write([first]: Uint8Array): void {
    if (first === 0xac) this.#doneAtMs = this.#nowMs() + 75;
    if (first === 0xba) this.#doneAtMs = undefined;
  }

  read(length: number): Uint8Array {
    const { temperature_celsius, humidity_percent } = this.#values;
    const measured = this.#doneAtMs !== undefined;
    const busy = measured && this.#nowMs() < (this.#doneAtMs ?? 0);
    const top = 2 ** 20 - 1;
    const h = measured ? clampRound((humidity_percent / 100) * 2 ** 20, 0, top) : 0;
    const t = measured ? clampRound(((temperature_celsius + 50) / 200) * 2 ** 20, 0, top) : 0;
    const body = [busy ? 0x98 : 0x18, h >> 12, (h >> 4) & 0xff, ((h & 15) << 4) | (t >> 16)];
    body.push((t >> 8) & 0xff, t & 0xff);
    const answer = [...body, crc8(body)];
    return Uint8Array.from({ length }, (_, i) => answer[i] ?? 0xff);
  }

  spoil(answer: Uint8Array): void {
    if (answer.length === 7) answer[6] = (answer[6] ?? 0) ^ 0x01;
  }
}
