import assert from 'node:assert/strict';
import { readdirSync } from 'node:fs';
import { describe, it } from 'node:test';
import { systemClock } from '@holdfast/kit';
import { kernelBuses } from '../../src/adapters/i2c-bus.ts';
import { simulatedBuses } from '../../src/adapters/i2c-simulator.ts';
import { HardwareError } from '../../src/core/hardware-error.ts';
import { FakeBus, fakeBuses } from '../fakes/register-bus.ts';
import { startSimulator } from '../fakes/simulator-server.ts';
import { busContract, chipContract, faultContract } from './i2c-bus.ts';
import type { BusRig } from './i2c-bus.ts';

const ADDRESS = 0x76;
const ABSENT = 0x21;
const LIMIT_MS = 300;

async function fakeRig(): Promise<BusRig> {
  const bus = new FakeBus();
  const registers = new Uint8Array(256);
  registers[0xd0] = 0x60;
  bus.chips.set(ADDRESS, { registers });
  return {
    buses: fakeBuses(new Map([[1, bus]])),
    bus: 1,
    address: ADDRESS,
    absent: ABSENT,
    async [Symbol.asyncDispose]() {},
  };
}

async function simulatorRig(): Promise<BusRig> {
  const server = await startSimulator();
  const buses = simulatedBuses(server.path, LIMIT_MS, systemClock);
  const at = { bus: 1, address: ADDRESS };
  await server.simulation.handle({ op: 'i2c_add', ...at, chip: 'bme280' });
  return {
    buses,
    bus: 1,
    address: ADDRESS,
    absent: ABSENT,
    async fault(fault) {
      await server.simulation.handle({ op: 'i2c_fault', ...at, fault });
    },
    async [Symbol.asyncDispose]() {
      await buses.close();
      await server[Symbol.asyncDispose]();
    },
  };
}

busContract('in memory', fakeRig);
chipContract('in memory', fakeRig);
busContract('simulator', simulatorRig);
chipContract('simulator', simulatorRig);
faultContract('simulator', simulatorRig);

const missing = (error: unknown) => error instanceof HardwareError && error.code === 'ENOENT';

const devices = readdirSync('/dev').flatMap((name) => /^i2c-(\d+)$/.exec(name)?.[1] ?? []);
const [device] = devices;
if (device === undefined) {
  describe('an I2C bus: kernel', () => {
    it.skip('needs /dev/i2c-*, which this machine does not have', () => {});
  });
} else {
  busContract('kernel', async () => {
    const buses = kernelBuses(LIMIT_MS, systemClock);
    return {
      buses,
      bus: Number(device),
      address: undefined,
      absent: ABSENT,
      [Symbol.asyncDispose]: async () => buses.close(),
    };
  });
}

describe('the buses of a machine without I2C', () => {
  it('fail like a missing device file', async () => {
    const buses = kernelBuses(LIMIT_MS, systemClock);
    await assert.rejects(buses.bus(251).readRegisters(ADDRESS, 0xd0, 1), missing);
    await buses.close();
  });
});

describe('the simulated buses', () => {
  it('say so when there is no simulator', async () => {
    const buses = simulatedBuses('/nowhere/socket', LIMIT_MS, systemClock);
    await assert.rejects(buses.list(), missing);
    await assert.rejects(buses.bus(1).read(ADDRESS, 1), missing);
    await buses.close();
  });

  it('connect again when the simulator has closed the connection', async () => {
    await using server = await startSimulator();
    const buses = simulatedBuses(server.path, LIMIT_MS, systemClock);
    assert.deepEqual(await buses.list(), [1]);
    server.disconnect();
    await buses.list().catch(() => {});
    assert.deepEqual(await buses.list(), [1]);
    await buses.close();
  });

  it('let a chip that hangs not block another bus', async () => {
    await using server = await startSimulator();
    const buses = simulatedBuses(server.path, LIMIT_MS, systemClock);
    for (const bus of [1, 2]) {
      await server.simulation.handle({ op: 'i2c_add', bus, address: ADDRESS, chip: 'bme280' });
    }
    const fault = { op: 'i2c_fault', bus: 1, address: ADDRESS, fault: 'hang' };
    await server.simulation.handle(fault);
    let hung = true;
    const stuck = buses
      .bus(1)
      .readRegisters(ADDRESS, 0xd0, 1)
      .catch(() => {
        hung = false;
      });
    const [id] = await buses.bus(2).readRegisters(ADDRESS, 0xd0, 1);
    assert.equal(id, 0x60);
    assert.equal(hung, true);
    await stuck;
    await buses.close();
  });
});
