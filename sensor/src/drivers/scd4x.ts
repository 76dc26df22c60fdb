/**
 * Sensirion SCD40 and SCD41: the transactions. Decoding and sources are in `core/chips/scd4x.ts`.
 *
 * The chip measures by itself every 5 s; a tick takes what is there:
 * - a new value: handed over, marked `warming_up` in the first minutes after the start
 * - nothing new: the last value again, marked `stale`; before the first one a reading without values
 * - nothing new for longer than a period: a chip that tells its serial number now has lost its power
 *   in between and is opened anew; one silent for two periods is stopped and opened anew
 */
import { chipReset } from '../core/chips/bosch.ts';
import {
  COMMAND_MS,
  LATE_MS,
  SCD4X,
  SCD4X_RANGES,
  SILENT_MS,
  STOP_MS,
  WARM_UP_MS,
  isDataReady,
  parseScd4x,
} from '../core/chips/scd4x.ts';
import { HardwareError } from '../core/hardware-error.ts';
import type { Measurement } from '../core/measurement.ts';
import type { ChipLink, I2cDriver, Probe } from '../ports.ts';
import { command, hasSerial, isNak, refusesBareRead } from './sensirion.ts';

const serial = async (chip: ChipLink) => hasSerial(chip, SCD4X.serial, COMMAND_MS, 9);

async function isReady(chip: ChipLink): Promise<boolean> {
  return isDataReady(await command(chip, SCD4X.dataReady, COMMAND_MS, 3));
}

/** Whether the chip is idle. One that measures refuses to tell its serial number. */
async function isIdle(chip: ChipLink): Promise<boolean> {
  try {
    if (await serial(chip)) return true;
  } catch (error) {
    if (!isNak(error)) throw error;
    await isReady(chip);
    return false;
  }
  throw new HardwareError('BAD_CRC', 'no serial number of an SCD4x');
}

class Scd4xProbe implements Probe {
  readonly #chip: ChipLink;
  readonly #warmAtMs: number;
  #freshMs: number;
  #last: Measurement | undefined;

  constructor(chip: ChipLink, started: boolean) {
    this.#chip = chip;
    this.#freshMs = chip.monotonicMs();
    this.#warmAtMs = started ? this.#freshMs + WARM_UP_MS : this.#freshMs;
  }

  async measure(): Promise<Measurement> {
    const warm = this.#chip.monotonicMs() >= this.#warmAtMs;
    if (!(await isReady(this.#chip))) return this.#nothingNew(warm);
    const measured = parseScd4x(await command(this.#chip, SCD4X.read, COMMAND_MS, 9));
    this.#freshMs = this.#chip.monotonicMs();
    if (measured.quality === undefined) this.#last = measured;
    return warm || measured.quality !== undefined
      ? measured
      : { ...measured, quality: 'warming_up' };
  }

  async #nothingNew(warm: boolean): Promise<Measurement> {
    const silentMs = this.#chip.monotonicMs() - this.#freshMs;
    if (silentMs > LATE_MS && (await isIdle(this.#chip))) throw chipReset();
    if (silentMs > SILENT_MS) {
      await this.#chip.write(SCD4X.stop);
      await this.#chip.sleepMs(STOP_MS);
      throw new HardwareError('NO_DATA', 'the chip has stopped measuring');
    }
    if (this.#last !== undefined) return { quantities: this.#last.quantities, quality: 'stale' };
    return { quantities: {}, quality: warm ? 'stale' : 'warming_up' };
  }
}

export const scd4x: I2cDriver = {
  name: 'scd4x',
  addresses: [0x62],
  ranges: SCD4X_RANGES,
  noisy: true,

  async identify(chip) {
    if (!(await refusesBareRead(chip))) return false;
    return isIdle(chip).then(
      () => true,
      (error: unknown) => {
        if (error instanceof HardwareError && error.code === 'BAD_CRC') return false;
        throw error;
      },
    );
  },

  async open(chip) {
    // One that measures already (after a restart of the service) goes on and need not warm up again.
    const idle = await isIdle(chip);
    if (idle) await chip.write(SCD4X.start);
    return new Scd4xProbe(chip, idle);
  },
};
