import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { Nak, modelledChip } from '@holdfast/lab/hardware';
import type { Chip } from '@holdfast/lab/hardware';
import { triedText } from '../../src/core/detection.ts';
import { HardwareError } from '../../src/core/hardware-error.ts';
import { detect } from '../../src/drivers/detect.ts';
import type { Found } from '../../src/drivers/detect.ts';
import { I2C_DRIVERS } from '../../src/drivers/index.ts';
import { sensorId } from '../../src/core/sensor-list.ts';
import { ChipBus } from '../fakes/chip-bus.ts';
import { JumpClock } from '../fakes/jump-clock.ts';
import { fakeBuses } from '../fakes/register-bus.ts';

const clock = new JumpClock();

function model(name: string): Chip {
  const chip = modelledChip(name, () => clock.monotonicMs());
  assert.ok(chip !== undefined, name);
  return chip;
}

/** A bus with modelled chips, by address. */
function busWith(chips: Readonly<Record<number, string | Chip>>): ChipBus {
  const bus = new ChipBus();
  for (const [address, chip] of Object.entries(chips)) {
    bus.chips.set(Number(address), typeof chip === 'string' ? model(chip) : chip);
  }
  return bus;
}

async function look(
  buses: Readonly<Record<number, ChipBus>>,
  taken: (bus: number, address: number, driver: string) => boolean = () => false,
): Promise<Found> {
  const numbers = Object.keys(buses).map(Number);
  const map = new Map(Object.entries(buses).map(([number, bus]) => [Number(number), bus]));
  return detect({ buses: fakeBuses(map), numbers, drivers: I2C_DRIVERS, taken, clock });
}

const idsOf = ({ places }: Found) => places.map(sensorId).toSorted();
const outcome = ({ tried }: Found, driver: string, address: number) =>
  tried.find((attempt) => attempt.driver === driver && attempt.address === address)?.outcome;

const TOLD = {
  0x10: 'veml7700',
  0x18: 'mcp9808',
  0x44: 'sht4x',
  0x45: 'sht3x',
  0x62: 'scd4x',
  0x76: 'bmp280',
  0x77: 'bme680',
};
const NAMED_ONLY = {
  0x23: 'bh1750',
  0x38: 'aht20',
  0x40: 'ina219',
  0x48: 'ads1115',
  0x4b: 'tmp102',
  0x4f: 'lm75',
};

describe('looking for sensors', () => {
  it('finds every chip that can be told, and leaves those that cannot alone', async () => {
    const bus = busWith({ ...TOLD, ...NAMED_ONLY });
    const found = await look({ 1: bus });
    assert.deepEqual(
      idsOf(found),
      Object.entries(TOLD)
        .map(([address, name]) => `${name}-1-${Number(address).toString(16)}`)
        .toSorted(),
    );
    const touched = new Set(bus.log.map(({ address }) => address));
    for (const address of Object.keys(NAMED_ONLY)) assert.ok(!touched.has(Number(address)));
  });

  it('tells the chips apart that share addresses', async () => {
    for (const [address, names] of [
      [0x76, ['bme280', 'bmp280', 'bme680']],
      [0x44, ['sht3x', 'sht4x']],
    ] as const) {
      for (const name of names) {
        const found = await look({ 1: busWith({ [address]: name }) });
        assert.deepEqual(idsOf(found), [`${name}-1-${address.toString(16)}`]);
      }
    }
  });

  it('does so on every bus, and on all at once', async () => {
    const found = await look({ 1: busWith({ 0x76: 'bme280' }), 22: busWith({ 0x77: 'bme280' }) });
    assert.deepEqual(idsOf(found), ['bme280-1-76', 'bme280-22-77']);
  });

  it('finds an SCD4x that has been measuring since before the service started', async () => {
    const chip = model('scd4x');
    chip.write(Uint8Array.of(0x21, 0xb1));
    const bus = busWith({ 0x62: chip });
    assert.deepEqual(idsOf(await look({ 1: bus })), ['scd4x-1-62']);
    assert.ok(!bus.log.some(({ written }) => written[0] === 0x3f), 'it was not stopped');
  });

  it('leaves places alone that have a sensor', async () => {
    const bus = busWith({ 0x76: 'bme280', 0x77: 'bme280' });
    const found = await look({ 1: bus }, (_, address) => address === 0x76);
    assert.deepEqual(idsOf(found), ['bme280-1-77']);
    assert.equal(outcome(found, 'bme280', 0x76), 'in use');
    assert.ok(!bus.log.some(({ address }) => address === 0x76));
  });

  it('says what was tried, and what came of it', async () => {
    const found = await look({ 1: busWith({ 0x76: 'bme280', 0x44: 'ina219' }), 3: new ChipBus() });
    assert.equal(outcome(found, 'bme280', 0x76), 'found');
    assert.equal(outcome(found, 'sht4x', 0x44), 'another chip');
    assert.equal(outcome(found, 'scd4x', 0x62), 'no answer');
    assert.equal(found.tried.filter(({ bus }) => bus === 3).length, 21);
    assert.match(
      triedText(found.tried),
      /^bus 1: 0x76 bme280 found, .*; bus 3: 0x76 bme280 no answer/,
    );
    assert.equal(triedText([]), 'nothing');
  });

  it('gives up a bus that hangs or is missing, and not the others', async () => {
    const hanging = busWith({});
    hanging.before = () => {
      throw new HardwareError('ETIMEDOUT', 'hangs');
    };
    const found = await look({ 1: hanging, 3: busWith({ 0x76: 'bme280' }) });
    assert.deepEqual(idsOf(found), ['bme280-3-76']);
    assert.equal(hanging.log.length, 1);
    const missing = await detect({
      buses: fakeBuses(new Map()),
      numbers: [7],
      drivers: I2C_DRIVERS,
      taken: () => false,
      clock,
    });
    assert.equal(triedText(missing.tried), 'bus 7: 0x76 bme280 ENOENT');
  });
});

/** A chip nobody knows: answers reads, and remembers every byte written. */
class Unknown implements Chip {
  readonly written: number[][] = [];

  write(bytes: Uint8Array): void {
    this.written.push([...bytes]);
  }

  read(length: number): Uint8Array {
    return new Uint8Array(length).fill(0x42);
  }

  set(): void {}
}

/** One that takes commands and answers reads only after one it knows. */
class Mute extends Unknown {
  override read(): Uint8Array {
    throw new Nak();
  }
}

describe('a chip nobody knows', () => {
  const everywhere = (make: () => Unknown) => {
    const chips = new Map<number, Unknown>();
    for (let address = 0x08; address < 0x78; address += 1) chips.set(address, make());
    return chips;
  };

  it('gets no data byte at any address, and nothing at all where commands would be sent', async () => {
    const chips = everywhere(() => new Unknown());
    const found = await look({ 1: busWith(Object.fromEntries(chips)) });
    assert.deepEqual(idsOf(found), []);
    for (const [address, { written }] of chips) {
      assert.ok(
        written.every((bytes) => bytes.length === 1),
        `0x${address.toString(16)} got ${JSON.stringify(written)}`,
      );
      if ([0x44, 0x45, 0x46, 0x62].includes(address)) assert.deepEqual(written, []);
    }
    assert.deepEqual(chips.get(0x76)?.written, [[0xd0], [0xd0], [0xd0]]);
    assert.deepEqual(chips.get(0x10)?.written, [[0x07]]);
    assert.deepEqual(chips.get(0x1f)?.written, [[0x06]]);
  });

  it('gets only requests for a serial number when it refuses to be read', async () => {
    const chips = everywhere(() => new Mute());
    assert.deepEqual(idsOf(await look({ 1: busWith(Object.fromEntries(chips)) })), []);
    assert.deepEqual(chips.get(0x44)?.written, [[0x89], [0x37, 0x80]]);
    assert.deepEqual(chips.get(0x62)?.written, [
      [0x36, 0x82],
      [0xe4, 0xb8],
    ]);
  });

  it('is not touched at addresses where no driver can tell its chip', async () => {
    const chips = everywhere(() => new Unknown());
    await look({ 1: busWith(Object.fromEntries(chips)) });
    for (const address of [0x23, 0x38, 0x40, 0x48, 0x4f, 0x50, 0x5c, 0x68, 0x70]) {
      assert.deepEqual(chips.get(address)?.written, []);
    }
  });
});
