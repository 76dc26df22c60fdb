/**
 * From the number printed on every Pi header drawing (BCM) to the number the kernel's sysfs
 * interface wants. They differ: since kernel 6.2 the chips' numbers begin at 512, on a Pi 5 at 569
 * or 571, and before that at 0 (hardware facts, section 4.2). The chip's label is what stays.
 */
import { LineError } from './line-error.ts';

/** One entry of `/sys/class/gpio/gpiochip*`, as the files have it. */
export interface GpioChip {
  readonly label: string;
  /** Number of its first line. */
  readonly base: number;
  /** How many lines it has. */
  readonly ngpio: number;
}

/** The chips that carry the header: Pi 0 to 3, Pi 4, Pi 5. */
export const HEADER_CHIPS: readonly string[] = [
  'pinctrl-bcm2835',
  'pinctrl-bcm2711',
  'pinctrl-rp1',
];

/** @throws LineError `no_known_chip` or `no_such_line`, naming what there is */
export function sysfsNumber(chips: readonly GpioChip[], bcmPin: number): number {
  const chip = chips.find(({ label }) => HEADER_CHIPS.includes(label));
  if (chip === undefined) {
    const seen = chips.map(({ label }) => label || '(no label)').toSorted();
    throw new LineError(
      'no_known_chip',
      `no GPIO chip of a Raspberry Pi header (${HEADER_CHIPS.join(', ')}); ` +
        (seen.length === 0 ? 'the kernel shows no chip at all' : `seen: ${seen.join(', ')}`),
    );
  }
  if (bcmPin < 0 || bcmPin >= chip.ngpio) {
    throw new LineError(
      'no_such_line',
      `GPIO ${bcmPin} does not exist: ${chip.label} has lines 0 to ${chip.ngpio - 1}`,
    );
  }
  return chip.base + bcmPin;
}
