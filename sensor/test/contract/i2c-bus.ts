/**
 * What every I2C bus promises (`src/ports.ts`). The rig holds a chip with 8-bit registers at
 * `address`, whose register 0xD0 reads 0x60 and whose register 0xF5 can be written, or no chip at
 * all (`address` undefined), as on a real bus of which nothing is known.
 */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { HardwareError } from '../../src/core/hardware-error.ts';
import type { I2cBuses } from '../../src/ports.ts';

export interface BusRig extends AsyncDisposable {
  readonly buses: I2cBuses;
  /** A bus that is there. */
  readonly bus: number;
  readonly address: number | undefined;
  /** An address of that bus at which nobody answers. */
  readonly absent: number;
  /** Makes the chip fail, where the rig can. */
  readonly fault?: (fault: 'none' | 'nak' | 'hang' | 'short') => Promise<void>;
}

export const NOBODY_THERE = ['ENXIO', 'EREMOTEIO', 'ENODEV', 'EIO'];

async function failureCode(work: Promise<unknown>): Promise<string> {
  try {
    await work;
  } catch (error) {
    assert.ok(error instanceof HardwareError, String(error));
    return error.code;
  }
  assert.fail('no failure');
}

export function busContract(name: string, makeRig: () => Promise<BusRig>): void {
  describe(`an I2C bus: ${name}`, () => {
    it('is listed', async () => {
      await using rig = await makeRig();
      assert.ok((await rig.buses.list()).includes(rig.bus));
    });

    it('says that nobody answers at an empty address', async () => {
      await using rig = await makeRig();
      const bus = rig.buses.bus(rig.bus);
      const code = await failureCode(bus.readRegisters(rig.absent, 0xd0, 1));
      assert.ok(NOBODY_THERE.includes(code), code);
    });

    it('says that there is no such bus', async () => {
      await using rig = await makeRig();
      const code = await failureCode(rig.buses.bus(251).readRegisters(0x76, 0xd0, 1));
      assert.equal(code, 'ENOENT');
    });

    it('works on after a failure', async () => {
      await using rig = await makeRig();
      const bus = rig.buses.bus(rig.bus);
      for (let turn = 0; turn < 5; turn += 1) {
        await failureCode(bus.readRegisters(rig.absent, 0xd0, 1));
        if (rig.address !== undefined) await bus.readRegisters(rig.address, 0xd0, 1);
      }
    });

    it('is the same object for the same number', async () => {
      await using rig = await makeRig();
      assert.equal(rig.buses.bus(rig.bus), rig.buses.bus(rig.bus));
    });
  });
}

/** The part that needs a chip. */
export function chipContract(name: string, makeRig: () => Promise<BusRig>): void {
  const onChip = (
    title: string,
    test: (rig: BusRig, bus: ReturnType<I2cBuses['bus']>, address: number) => Promise<void>,
  ) =>
    it(title, async () => {
      await using rig = await makeRig();
      assert.ok(rig.address !== undefined);
      await test(rig, rig.buses.bus(rig.bus), rig.address);
    });

  describe(`an I2C bus with a chip: ${name}`, () => {
    onChip('reads a register', async (_rig, bus, address) => {
      assert.deepEqual([...(await bus.readRegisters(address, 0xd0, 1))], [0x60]);
    });

    onChip('writes a register', async (_rig, bus, address) => {
      await bus.writeRegisters(address, 0xf5, [0xa0]);
      assert.deepEqual([...(await bus.readRegisters(address, 0xf5, 1))], [0xa0]);
    });

    onChip('reads blocks of up to 32 registers in exactly the length asked for', async (...on) => {
      const [, bus, address] = on;
      for (const length of [1, 2, 7, 13, 26, 32]) {
        assert.equal((await bus.readRegisters(address, 0xc0, length)).length, length);
      }
    });

    onChip('transfers plain bytes in two steps', async (_rig, bus, address) => {
      await bus.write(address, [0xd0]);
      assert.deepEqual([...(await bus.read(address, 1))], [0x60]);
    });

    onChip('keeps transfers given at the same time apart', async (_rig, bus, address) => {
      const reads = Array.from({ length: 20 }, async (_, i) =>
        bus.readRegisters(address, i % 2 === 0 ? 0xd0 : 0xd1, 1),
      );
      const bytes = (await Promise.all(reads)).map(([byte]) => byte);
      assert.deepEqual(
        bytes,
        bytes.map((_, i) => (i % 2 === 0 ? 0x60 : 0x00)),
      );
    });
  });
}

/** The part that needs a chip whose faults can be switched. */
export function faultContract(name: string, makeRig: () => Promise<BusRig>): void {
  describe(`an I2C bus with a faulty chip: ${name}`, () => {
    const faults: readonly ['nak' | 'short' | 'hang', readonly string[]][] = [
      ['nak', NOBODY_THERE],
      ['short', ['EIO']],
      ['hang', ['ETIMEDOUT']],
    ];
    for (const [fault, codes] of faults) {
      it(`rejects with ${codes.join(' or ')} on ${fault} and works on afterwards`, async () => {
        await using rig = await makeRig();
        assert.ok(rig.address !== undefined && rig.fault !== undefined);
        const bus = rig.buses.bus(rig.bus);
        await rig.fault(fault);
        const code = await failureCode(bus.readRegisters(rig.address, 0xd0, 2));
        assert.ok(codes.includes(code), code);
        await rig.fault('none');
        assert.equal((await bus.readRegisters(rig.address, 0xd0, 2))[0], 0x60);
      });
    }
  });
}
