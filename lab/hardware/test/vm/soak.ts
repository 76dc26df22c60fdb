/**
 * Unplugging and plugging at random, for SOAK_SECONDS: no reading may carry a value the chip did not
 * have at that time, and no reading may be lost.
 */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { systemClock } from '@holdfast/kit';
import { seededRandom } from '@holdfast/kit/testing';
import { World, assertWhole } from './world.ts';
import type { ChipFault, Fields } from './world.ts';

const SECONDS = Number(process.env['SOAK_SECONDS'] ?? 0);
const SEED = Number(process.env['SOAK_SEED'] ?? 1);
const INTERVAL_MS = 1_000;
/** A reading is stamped when it is complete, and a measurement is given so long (sensor-runner.ts). */
const MEASURING_MS = 10_000;

interface SoakChip {
  readonly driver: string;
  readonly address: number;
  /** Half a step of the chip, and some for rounding. */
  readonly byCelsius: number;
  readonly faults: readonly ChipFault[];
  /** It cannot be found by itself. */
  readonly isNamed?: boolean;
}

/** With an identity register, with check sums, with neither. */
const CHIPS: readonly SoakChip[] = [
  { driver: 'bme280', address: 0x76, byCelsius: 0.02, faults: ['nak', 'short', 'hang'] },
  { driver: 'sht4x', address: 0x44, byCelsius: 0.02, faults: ['nak', 'short', 'badcrc', 'hang'] },
  { driver: 'mcp9808', address: 0x18, byCelsius: 0.04, faults: ['nak', 'short'] },
  { driver: 'tmp102', address: 0x49, byCelsius: 0.04, faults: ['nak', 'short'], isNamed: true },
];

/** What a chip measured, since when. */
interface Truth {
  readonly celsius: number;
  readonly fromMs: number;
}

interface Hand {
  readonly truths: ReadonlyMap<SoakChip, Truth[]>;
  readonly done: Record<string, number>;
}

/** One random act on a random chip; leaves it plugged in and whole. */
async function act(world: World, random: { next(): number }, hand: Hand): Promise<void> {
  const pauseMs = () => systemClock.sleepMs(50 + random.next() * 1_500);
  const oneOf = <T>(all: readonly T[]): T => {
    const chosen = all[Math.floor(random.next() * all.length)];
    assert.ok(chosen !== undefined);
    return chosen;
  };
  const chip = oneOf(CHIPS);
  const setTemperature = async () => {
    const celsius = Math.round(random.next() * 8_000 - 2_000) / 100;
    hand.truths.get(chip)?.push({ celsius, fromMs: systemClock.monotonicMs() });
    return { temperature_celsius: celsius };
  };
  const roll = random.next();
  const name = roll < 0.3 ? 'set' : roll < 0.7 ? 'unplug' : roll < 0.95 ? 'fault' : 'pull';
  hand.done[name] = (hand.done[name] ?? 0) + 1;
  if (name === 'set') await world.set(chip.address, await setTemperature());
  if (name === 'unplug') {
    await world.unplug(chip.address);
    await pauseMs();
    await world.plug(chip.driver, chip.address, await setTemperature());
  }
  if (name === 'fault') {
    await world.break(chip.address, oneOf(chip.faults));
    await pauseMs();
    await world.break(chip.address, 'none');
  }
  if (name === 'pull') {
    await world.pullAdapter();
    await pauseMs();
    await world.plugAdapter();
  }
  await pauseMs();
}

/** How long before the time of the reading the chip last measured this; Infinity if never. */
function ageMs(reading: Fields, { byCelsius }: SoakChip, truths: readonly Truth[]): number {
  const atMs = Number(reading['_uptime_ms']);
  const celsius = Number(reading['temperature_celsius']);
  const ages = truths.flatMap((truth, i) => {
    const isIt = truth.fromMs <= atMs + 1 && Math.abs(truth.celsius - celsius) < byCelsius;
    return isIt ? Math.max(0, atMs - (truths[i + 1]?.fromMs ?? Infinity)) : [];
  });
  return Math.min(Infinity, ...ages);
}

/** Readings of the chip that have a value and say nothing against it, but a value it did not have. */
function wrongOnes(readings: readonly Fields[], chip: SoakChip, truths: readonly Truth[]) {
  const good = readings
    .filter((each) => each['temperature_celsius'] !== undefined && each['_quality'] === undefined)
    .map((reading) => ({ reading, ageMs: ageMs(reading, chip, truths) }));
  const oldestMs = Math.max(...good.map((each) => each.ageMs));
  const counts = `${good.length} values of ${truths.length} temperatures`;
  console.log(`  ${chip.driver}: ${counts}, ${oldestMs.toFixed()} ms old at most`);
  assert.ok(good.length > 0, chip.driver);
  return good.filter((each) => each.ageMs > MEASURING_MS);
}

describe('soak', { skip: SECONDS > 0 ? false : 'SOAK_SECONDS is not set' }, () => {
  test(`${SECONDS} s of unplugging leave no wrong value and lose no reading`, async () => {
    await using world = await World.startWithBus();
    const idOf = ({ driver, address }: SoakChip) =>
      `${driver}-${world.bus}-${address.toString(16)}`;
    const truths = new Map<SoakChip, Truth[]>();
    for (const chip of CHIPS) {
      truths.set(chip, [{ celsius: 20, fromMs: systemClock.monotonicMs() }]);
      await world.plug(chip.driver, chip.address, { temperature_celsius: 20 });
    }
    const named = CHIPS.filter(({ isNamed }) => isNamed === true).map(
      ({ driver, address }) => `${driver}@${world.bus}:0x${address.toString(16)}`,
    );
    const env = {
      SENSORS: ['auto', ...named].join(','),
      INTERVAL_SECONDS: String(INTERVAL_MS / 1_000),
      // A transfer takes 20 ms here and more, and four chips share the bus.
      I2C_TIMEOUT_MILLIS: '3000',
    };
    const sensor = await world.start('sensor', env, /"event":"started"/);
    for (const chip of CHIPS) await world.nextReading(idOf(chip));
    const random = seededRandom(SEED);
    const hand: Hand = { truths, done: {} };
    const endMs = systemClock.monotonicMs() + SECONDS * 1_000;
    while (systemClock.monotonicMs() < endMs) await act(world, random, hand);
    for (const chip of CHIPS) await world.nextReading(idOf(chip));
    assert.equal(await sensor.stop(), 0);

    const readings = await world.readings();
    const status = await world.status('sensor');
    console.log(
      `  ${JSON.stringify(hand.done)}; ${readings.length} readings; missed ticks ` +
        `${status['missed_ticks']}, busy ticks ${status['busy_ticks']}, dropped ${status['dropped']}`,
    );
    for (const [chip, had] of truths) {
      const ofChip = readings.filter(({ _sensor }) => _sensor === idOf(chip));
      assert.deepEqual(wrongOnes(ofChip, chip, had), []);
    }
    assertWhole(readings);
    assert.equal(status['readings'], String(readings.length));
    assert.equal(status['dropped'], '0');
  });
});
