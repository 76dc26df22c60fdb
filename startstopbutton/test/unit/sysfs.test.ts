import assert from 'node:assert/strict';
import { test } from 'node:test';
import { sysfsNumber } from '../../src/core/sysfs.ts';
import type { GpioChip } from '../../src/core/sysfs.ts';

const EXPANDER: GpioChip = { label: 'raspberrypi-exp-gpio', base: 570, ngpio: 8 };

/** Kernels seen in the field: hardware facts, section 4.2. */
const KERNELS: [string, GpioChip[], bcm: number, number][] = [
  ['Pi 3, 5.x', [{ label: 'pinctrl-bcm2835', base: 0, ngpio: 54 }], 2, 2],
  ['Pi 4, 6.6', [EXPANDER, { label: 'pinctrl-bcm2711', base: 512, ngpio: 58 }], 2, 514],
  ['Pi 5, 6.1', [{ label: 'pinctrl-rp1', base: 399, ngpio: 54 }], 17, 416],
  [
    'Pi 5, 6.6',
    [
      { label: 'gpio-brcmstb@107d508500', base: 512, ngpio: 32 },
      { label: 'pinctrl-rp1', base: 571, ngpio: 54 },
    ],
    2,
    573,
  ],
];

for (const [kernel, chips, bcm, number] of KERNELS) {
  test(`GPIO ${bcm} is number ${number} on ${kernel}`, () => {
    assert.equal(sysfsNumber(chips, bcm), number);
  });
}

test('without a chip of the header the error names the labels there are', () => {
  assert.throws(() => sysfsNumber([EXPANDER, { label: 'gpio-sim', base: 970, ngpio: 8 }], 2), {
    code: 'no_known_chip',
    message: /seen: gpio-sim, raspberrypi-exp-gpio/,
  });
  assert.throws(() => sysfsNumber([], 2), { code: 'no_known_chip', message: /no chip at all/ });
});

test('a line the chip does not have is an error that says what it has', () => {
  const chips = [{ label: 'pinctrl-rp1', base: 571, ngpio: 28 }];
  assert.throws(() => sysfsNumber(chips, 40), { code: 'no_such_line', message: /0 to 27/ });
});
