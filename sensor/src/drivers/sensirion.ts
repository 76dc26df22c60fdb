/** Transactions that Sensirion's chips have in common: a command, a wait, words with check sums. */
import { isSerial, wordsOf } from '../core/chips/sensirion.ts';
import { HardwareError } from '../core/hardware-error.ts';
import type { ChipLink } from '../ports.ts';

/** What the kernel says when the chip does not acknowledge. */
const NOBODY: readonly string[] = ['ENXIO', 'EREMOTEIO', 'ENODEV', 'EIO'];

/** Nobody acknowledged: no chip there, or one that refuses this. */
export function isNak(error: unknown): boolean {
  return error instanceof HardwareError && NOBODY.includes(error.code);
}

export async function command(
  chip: ChipLink,
  bytes: readonly number[],
  waitMs: number,
  length: number,
): Promise<Uint8Array> {
  await chip.write(bytes);
  await chip.sleepMs(waitMs);
  return chip.read(length);
}

/**
 * Whether the address refuses to be read without a command before, as Sensirion's chips do. Chips
 * that answer are others, to which the command would be data.
 */
export async function refusesBareRead(chip: ChipLink): Promise<boolean> {
  try {
    await chip.read(1);
    return false;
  } catch (error) {
    if (isNak(error)) return true;
    throw error;
  }
}

/** Whether the command is answered by a serial number whose check sums are right. */
export async function hasSerial(
  chip: ChipLink,
  bytes: readonly number[],
  waitMs: number,
  length: number,
): Promise<boolean> {
  return isSerial(wordsOf(await command(chip, bytes, waitMs, length)));
}
