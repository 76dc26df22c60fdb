import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  getArguments,
  headerChip,
  infoArguments,
  isMonotonicStamp,
  monitorArguments,
  parseConsumer,
  parseEdge,
  parseVersion,
  setArguments,
  setOnceArguments,
} from '../../src/core/gpiod.ts';

const ONE = { version: 1, chip: 'gpiochip0', pin: 17 } as const;
const TWO = { version: 2, chip: 'gpiochip0', pin: 17 } as const;

test('the version tells which options there are', () => {
  assert.equal(parseVersion('gpiomon (libgpiod) v1.6.3\nCopyright'), 1);
  assert.equal(parseVersion('gpiomon (libgpiod) v2.2.1\n'), 2);
  assert.equal(parseVersion('gpiomon (libgpiod) v3.0\n'), undefined);
  assert.equal(parseVersion('command not found'), undefined);
});

test('the pull is -B in 1.x and -b in 2.x, where -b and -B mean something else', () => {
  assert.deepEqual(
    monitorArguments(ONE, 'UP'),
    ['-b', '-F', '%e %s %n', '-B', 'pull-up'].concat('gpiochip0', '17'),
  );
  assert.deepEqual(
    monitorArguments(TWO, 'DOWN'),
    ['-F', '%E %S', '-b', 'pull-down', '--chip'].concat('gpiochip0', '17'),
  );
  assert.deepEqual(getArguments(ONE, 'NONE'), ['-B', 'disable', 'gpiochip0', '17']);
  assert.equal(getArguments(TWO, 'NONE').join(' '), '--numeric -b disabled --chip gpiochip0 17');
  assert.equal(getArguments(TWO, 'UP').join(' '), '--numeric -b pull-up --chip gpiochip0 17');
  assert.equal(setArguments(ONE, 1).join(' '), '-m signal gpiochip0 17=1');
  assert.equal(setArguments(TWO, 0).join(' '), '--chip gpiochip0 17=0');
  assert.equal(setOnceArguments(ONE, 0).join(' '), '-m exit gpiochip0 17=0');
  assert.equal(setOnceArguments(TWO, 0).join(' '), '-t 0 --chip gpiochip0 17=0');
  assert.equal(infoArguments(ONE).join(' '), 'gpiochip0');
  assert.equal(infoArguments(TWO).join(' '), '--chip gpiochip0 17');
});

test('edges are read in both spellings with the time the kernel saw them, anything else is none', () => {
  assert.deepEqual(
    ['0 81021 5000000', '1 81021 400', 'rising 81021.005', ''].map((text) => parseEdge(1, text)),
    [
      { level: 0, stampMs: 81_021_005 },
      { level: 1, stampMs: 81_021_000.0004 },
      undefined,
      undefined,
    ],
  );
  assert.deepEqual(
    ['falling 81021.005000000', 'rising 81021.500000000', '1 81021'].map((text) =>
      parseEdge(2, text),
    ),
    [{ level: 0, stampMs: 81_021_005 }, { level: 1, stampMs: 81_021_500 }, undefined],
  );
  assert.deepEqual(parseEdge(1, '1'), { level: 1, stampMs: undefined });
});

test('the time of an edge counts only when it is on the monotonic clock', () => {
  assert.ok(isMonotonicStamp(81_021_005, 81_021_006));
  assert.ok(isMonotonicStamp(81_021_005, 81_051_005), 'half a minute late');
  assert.ok(
    !isMonotonicStamp(1_795_000_000_000, 81_021_005),
    'a kernel before 5.7: the wall clock',
  );
  assert.ok(!isMonotonicStamp(5, 81_021_005));
});

const CHIPS = `gpiochip0 [gpio-brcmstb@107d508500] (32 lines)
gpiochip4 [pinctrl-rp1] (54 lines)
`;

test('the chip of the header is found by its label, and errors name what there is', () => {
  assert.equal(headerChip(CHIPS, 2), 'gpiochip4');
  assert.throws(() => headerChip(CHIPS, 54), { code: 'no_such_line', message: /0 to 53/ });
  assert.throws(() => headerChip('gpiochip0 [gpio-sim] (8 lines)\n', 2), {
    code: 'no_known_chip',
    message: /seen: gpio-sim/,
  });
  assert.throws(() => headerChip('', 2), { code: 'no_known_chip', message: /no chip at all/ });
});

const INFO = `gpiochip0 - 58 lines:
	line   1:      "GPIO1"       unused   input  active-high
	line  17:     "GPIO17"    "gpiomon"   input  active-high [used pull-up]
	line  18:     "GPIO18"      "sysfs"  output  active-high [used]
	line  19:      unnamed       "led0"  output  active-high [used]
`;

test('who uses a line is read from the list of the lines', () => {
  const users = [1, 17, 18, 19, 20, 7].map((pin) => parseConsumer(1, INFO, pin));
  assert.deepEqual(users, [undefined, 'gpiomon', 'sysfs', 'led0', undefined, undefined]);
  // As tools/gpioinfo.c of 2.2 prints it: the name padded to 16, then the attributes.
  const used = (attributes: string) => `gpiochip0 17\t"GPIO17"        \t${attributes}\n`;
  const monitored = used('input bias=pull-up edges=both consumer="gpiomon"');
  assert.equal(parseConsumer(2, monitored, 17), 'gpiomon');
  assert.equal(parseConsumer(2, used('output consumer="sysfs"'), 17), 'sysfs');
  assert.equal(parseConsumer(2, used('input active-low'), 17), undefined);
  assert.equal(parseConsumer(2, 'gpiochip0 17\t"GPIO17"\tinput\n', 17), undefined);
});
