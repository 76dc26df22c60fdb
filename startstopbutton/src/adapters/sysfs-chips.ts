/** Reads the kernel's list of GPIO chips. */
import { existsSync } from 'node:fs';
import { readFile, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { errorCode } from '@holdfast/kit';
import { LineError } from '../core/line-error.ts';
import type { GpioChip } from '../core/sysfs.ts';

export const SYSFS_GPIO = '/sys/class/gpio';

/** @throws LineError `no_sysfs_gpio` or `no_permission` */
export async function readChips(root = SYSFS_GPIO): Promise<GpioChip[]> {
  try {
    const names = await readdir(root);
    const chips = names.filter((name) => name.startsWith('gpiochip'));
    return await Promise.all(chips.map((name) => readChip(join(root, name))));
  } catch (error) {
    const code = errorCode(error);
    if (code === 'EACCES' || code === 'EPERM') {
      throw new LineError('no_permission', `may not read ${root}`, error);
    }
    throw new LineError(
      'no_sysfs_gpio',
      `no ${root} (${code}): this is not a Raspberry Pi, its kernel lacks CONFIG_GPIO_SYSFS, ` +
        `or the container is not given /sys`,
      error,
    );
  }
}

/** Whether the line is there already, made by somebody else. */
export function isExported(kernelNumber: number): boolean {
  return existsSync(join(SYSFS_GPIO, `gpio${kernelNumber}`));
}

async function readChip(folder: string): Promise<GpioChip> {
  const read = async (file: string) => (await readFile(join(folder, file), 'utf8')).trim();
  const [label, base, ngpio] = await Promise.all([read('label'), read('base'), read('ngpio')]);
  return { label, base: Number(base), ngpio: Number(ngpio) };
}
