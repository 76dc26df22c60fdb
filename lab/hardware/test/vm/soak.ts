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
const ADDRESS = 0x76;
const INTERVAL_MS = 250;
/** A reading is stamped when it is complete: the value may be this much older. */
const MEASURING_MS = 3_000;

/** What the chip measured, since when. */
interface Truth {
  readonly celsius: number;
  readonly fromMs: number;
}

interface Hand {
  readonly truths: Truth[];
  readonly done: Record<string, number>;
}

/** One random act; leaves the chip plugged in and whole. */
async function act(world: World, random: { next(): number }, hand: Hand): Promise<void> {
  const pauseMs = () => systemClock.sleepMs(50 + random.next() * 1_500);
  const setTemperature = async () => {
    const celsius = Math.round(random.next() * 8_000 - 2_000) / 100;
    hand.truths.push({ celsius, fromMs: systemClock.monotonicMs() });
    return { temperature_celsius: celsius };
  };
  const roll = random.next();
  const name = roll < 0.3 ? 'set' : roll < 0.7 ? 'unplug' : roll < 0.95 ? 'fault' : 'pull';
  hand.done[name] = (hand.done[name] ?? 0) + 1;
  if (name === 'set') await world.set(ADDRESS, await setTemperature());
  if (name === 'unplug') {
    await world.unplug(ADDRESS);
    await pauseMs();
    await world.plug('bme280', ADDRESS, await setTemperature());
  }
  if (name === 'fault') {
    const faults: ChipFault[] = ['nak', 'short', 'hang'];
    await world.break(ADDRESS, faults[Math.floor(random.next() * faults.length)] ?? 'nak');
    await pauseMs();
    await world.break(ADDRESS, 'none');
  }
  if (name === 'pull') {
    await world.pullAdapter();
    await pauseMs();
    await world.plugAdapter();
  }
  await pauseMs();
}

/** Whether the chip measured this between the time of the reading and `MEASURING_MS` before. */
function isTrue(reading: Fields, truths: readonly Truth[]): boolean {
  const atMs = Number(reading['_uptime_ms']);
  return truths.some(({ celsius, fromMs }, i) => {
    const untilMs = truths[i + 1]?.fromMs ?? Infinity;
    const isThen = fromMs <= atMs + 1 && untilMs >= atMs - MEASURING_MS;
    return isThen && Math.abs(Number(reading['temperature_celsius']) - celsius) < 0.02;
  });
}

describe('soak', { skip: SECONDS > 0 ? false : 'SOAK_SECONDS is not set' }, () => {
  test(`${SECONDS} s of unplugging leave no wrong value and lose no reading`, async () => {
    await using world = await World.startWithBus();
    const id = `bme280-${world.bus}-76`;
    const truths = [{ celsius: 20, fromMs: systemClock.monotonicMs() }];
    const hand: Hand = { truths, done: {} };
    await world.plug('bme280', ADDRESS, { temperature_celsius: 20 });
    const env = { SENSORS: 'auto', INTERVAL_SECONDS: String(INTERVAL_MS / 1_000) };
    const sensor = await world.start('sensor', env, /"event":"started"/);
    await world.nextReading(id);
    const random = seededRandom(SEED);
    const endMs = systemClock.monotonicMs() + SECONDS * 1_000;
    while (systemClock.monotonicMs() < endMs) await act(world, random, hand);
    await world.nextReading(id);
    assert.equal(await sensor.stop(), 0);

    const readings = await world.readings();
    const ofChip = readings.filter(({ _sensor }) => _sensor === id);
    const values = ofChip.filter((reading) => reading['temperature_celsius'] !== undefined);
    const wrong = values.filter(
      (reading) => reading['_quality'] === undefined && !isTrue(reading, truths),
    );
    const status = await world.status('sensor');
    console.log(
      `  ${JSON.stringify(hand.done)}; ${readings.length} readings, ${values.length} with values ` +
        `of the chip, wrong: ${wrong.length}; missed ticks ${status['missed_ticks']}, busy ticks ` +
        `${status['busy_ticks']}, dropped ${status['dropped']}`,
    );
    assert.deepEqual(wrong, []);
    assertWhole(readings);
    assert.equal(status['readings'], String(readings.length));
    assert.equal(status['dropped'], '0');
  });
});
