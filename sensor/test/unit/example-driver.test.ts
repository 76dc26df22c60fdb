import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { it } from 'node:test';
import { chipLink } from '../../src/drivers/chip-link.ts';
import { DRIVER_FORMS, I2C_DRIVERS } from '../../src/drivers/index.ts';
import { pct2075 } from '../example-driver.ts';
import { JumpClock } from '../fakes/jump-clock.ts';
import { FakeBus } from '../fakes/register-bus.ts';

it('the example in the README is a driver that works', async () => {
  const bus = new FakeBus();
  const registers = new Uint8Array(256);
  bus.chips.set(0x28, { registers });
  const probe = await pct2075.open(chipLink(bus, 0x28, new JumpClock()), {});
  // The chip's two-byte register, as the fake serves single ones.
  registers.set([0xe7, 0x20], 0);
  registers[1] = 0x08;
  await assert.rejects(
    probe.measure().then(({ quantities }) => {
      assert.deepEqual(quantities, { temperature_celsius: -25 });
      throw new Error('measured');
    }),
    /measured/,
  );
});

it('the example is about 40 lines long, and the README names it', () => {
  const source = readFileSync(new URL('../example-driver.ts', import.meta.url), 'utf8');
  assert.ok(source.split('\n').length <= 50, 'too long for an example');
  const readme = readFileSync(new URL('../../README.md', import.meta.url), 'utf8');
  assert.match(readme, /test\/example-driver\.ts/);
});

it('every driver has a name of its own and is in the README, with its addresses and options', () => {
  const readme = readFileSync(new URL('../../README.md', import.meta.url), 'utf8');
  assert.equal(Object.keys(DRIVER_FORMS).length, I2C_DRIVERS.length);
  for (const { name, options = {} } of I2C_DRIVERS) {
    assert.ok(readme.includes(`| \`${name}\` |`), name);
    for (const option of Object.keys(options)) assert.ok(readme.includes(`\`${option}\``), option);
  }
});
