/** Transactions that Bosch's chips have in common. */
import { RESET_WORD, STARTUP_MS, STATUS_IM_UPDATE } from '../core/chips/bosch.ts';
import { HardwareError } from '../core/hardware-error.ts';
import type { ChipLink } from '../ports.ts';

/** Tries of the status register after a reset, `STARTUP_MS` apart. */
const STARTUP_TRIES = 5;

const ID = 0xd0;
const RESET = 0xe0;

/** Sends the register number 0xD0 and reads one byte. */
export async function hasId(chip: ChipLink, ids: readonly number[]): Promise<boolean> {
  const [id] = await chip.readRegisters(ID, 1);
  return id !== undefined && ids.includes(id);
}

export async function requireId(
  chip: ChipLink,
  ids: readonly number[],
  name: string,
): Promise<void> {
  if (await hasId(chip, ids)) return;
  throw new HardwareError('WRONG_CHIP', `the id register is not that of a ${name}`);
}

/** Power-on reset, for BMP280 and BME280. */
export async function resetBosch(chip: ChipLink, statusRegister: number): Promise<void> {
  await chip.writeRegisters(RESET, [RESET_WORD]);
  for (let attempt = 0; attempt < STARTUP_TRIES; attempt += 1) {
    await chip.sleepMs(STARTUP_MS);
    const [status] = await chip.readRegisters(statusRegister, 1);
    if (((status ?? 0) & STATUS_IM_UPDATE) === 0) return;
  }
  throw new HardwareError('NOT_READY', 'the chip does not finish its reset');
}
