import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { modelledChip } from '@holdfast/lab/hardware';
import { HardwareError } from '../../src/core/hardware-error.ts';
import { chipLink } from '../../src/drivers/chip-link.ts';
import { scd4x } from '../../src/drivers/scd4x.ts';
import { ChipBus } from '../fakes/chip-bus.ts';
import { JumpClock } from '../fakes/jump-clock.ts';

function bench() {
  const clock = new JumpClock();
  const bus = new ChipBus();
  const plug = () => {
    const chip = modelledChip('scd4x', () => clock.monotonicMs());
    assert.ok(chip !== undefined);
    bus.chips.set(0x62, chip);
    return chip;
  };
  const chip = plug();
  return { clock, bus, chip, plug, open: async () => scd4x.open(chipLink(bus, 0x62, clock), {}) };
}

const code = (expected: string) => (error: unknown) =>
  error instanceof HardwareError && error.code === expected;

describe('an SCD4x', () => {
  it('gives readings without values before its first one, marked as warming up', async () => {
    const { open } = bench();
    assert.deepEqual(await (await open()).measure(), { quantities: {}, quality: 'warming_up' });
  });

  it('marks its values in the first three minutes', async () => {
    const { clock, open } = bench();
    const probe = await open();
    const qualities = new Map<string, number>();
    for (let seconds = 5; seconds <= 200; seconds += 5) {
      clock.pass(5_000);
      const { quality = 'good', quantities } = await probe.measure();
      assert.equal(quantities['co2_ppm'], 620);
      qualities.set(quality, (qualities.get(quality) ?? 0) + 1);
    }
    assert.ok((qualities.get('warming_up') ?? 0) >= 35, String([...qualities]));
    assert.ok((qualities.get('good') ?? 0) >= 4, String([...qualities]));
  });

  it('repeats its value marked as stale when asked more often than it measures', async () => {
    const { clock, open } = bench();
    const probe = await open();
    clock.pass(200_000);
    assert.equal((await probe.measure()).quality, undefined);
    const again = await probe.measure();
    assert.equal(again.quality, 'stale');
    assert.equal(again.quantities['co2_ppm'], 620);
    assert.equal(again.raw, undefined);
  });

  it('goes on without a restart or warming up when it measures already', async () => {
    const { clock, bus, open } = bench();
    await open();
    clock.pass(600_000);
    bus.log.length = 0;
    const probe = await open();
    assert.equal((await probe.measure()).quality, undefined);
    assert.ok(!bus.log.some(({ written }) => [0x3f, 0x21].includes(written[0] ?? 0)));
  });

  it('that lost its power unnoticed is known by answering what it answers in idle only', async () => {
    const { clock, plug, open } = bench();
    const probe = await open();
    clock.pass(200_000);
    await probe.measure();
    plug();
    clock.pass(5_000);
    assert.equal((await probe.measure()).quality, 'stale');
    clock.pass(1_000);
    await assert.rejects(probe.measure(), code('CHIP_RESET'));
    const next = await open();
    clock.pass(5_100);
    assert.equal((await next.measure()).quality, 'warming_up');
  });

  it('that measures nothing any more is stopped, and started when opened anew', async () => {
    const { clock, bus, open } = bench();
    const probe = await open();
    bus.after = (_, bytes) => (bytes.length === 3 ? Uint8Array.of(0x80, 0, 0xa2) : bytes);
    for (let n = 0; n < 15; n += 1) {
      clock.pass(1_000);
      await probe.measure();
    }
    clock.pass(1_000);
    await assert.rejects(probe.measure(), code('NO_DATA'));
    bus.after = (_, bytes) => bytes;
    const next = await open();
    clock.pass(5_100);
    assert.equal((await next.measure()).quantities['co2_ppm'], 620);
  });

  it('keeps what was whole of a broken answer', async () => {
    const { clock, bus, open } = bench();
    const probe = await open();
    clock.pass(200_000);
    bus.after = (_, bytes) => {
      if (bytes.length === 9) bytes[2] = (bytes[2] ?? 0) ^ 1;
      return bytes;
    };
    const { quantities, quality } = await probe.measure();
    assert.equal(quality, 'bus_error');
    assert.deepEqual(Object.keys(quantities), ['temperature_celsius', 'humidity_percent']);
  });
});
