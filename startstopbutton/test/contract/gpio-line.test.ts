import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { systemClock } from '@holdfast/kit';
import { GpioSimulation, startHardwareSimulator } from '@holdfast/lab/hardware';
import { until } from '@holdfast/lab/servers';
import { GpiodLine } from '../../src/adapters/gpiod-line.ts';
import { OnoffLine } from '../../src/adapters/onoff-line.ts';
import { SimulatorLine } from '../../src/adapters/simulator-line.ts';
import type { LineError } from '../../src/core/line-error.ts';
import { FakeLine } from '../fakes/fake-line.ts';
import { gpioLineContract } from './gpio-line.suite.ts';

const PIN = 2;
const OPTIONS = { pin: PIN, pull: 'UP' } as const;

gpioLineContract('fake', async () => {
  const line = new FakeLine(systemClock);
  return {
    line,
    isExact: false,
    drive: async (level) => line.drive(level),
    [Symbol.asyncDispose]: () => line.close(),
  };
});

async function startSimulator() {
  const dir = await mkdtemp(join(tmpdir(), 'holdfast-line-'));
  const path = join(dir, 'hardware.sock');
  const gpio = new GpioSimulation();
  const server = await startHardwareSimulator({ path, handlers: { gpio } });
  return {
    server,
    path,
    gpio,
    async [Symbol.asyncDispose]() {
      await server[Symbol.asyncDispose]();
      await rm(dir, { recursive: true });
    },
  };
}

gpioLineContract('simulator', async () => {
  const lab = await startSimulator();
  const line = new SimulatorLine(lab.path, OPTIONS);
  return {
    line,
    isExact: true,
    drive: async (level) => lab.gpio.bank.drive(PIN, level),
    async [Symbol.asyncDispose]() {
      await line.close();
      await lab[Symbol.asyncDispose]();
    },
  };
});

/** The lab's GPIO chip in a VM: lines are driven by writing to this file. */
const DRIVE = '/sys/devices/platform/labgpio.0/drive';

const SKIP = existsSync(DRIVE) ? undefined : `no GPIO chip to drive here (${DRIVE} does not exist)`;

for (const [name, Line] of [
  ['onoff', OnoffLine],
  ['gpiomon', GpiodLine],
] as const) {
  gpioLineContract(
    name,
    async () => {
      const line = new Line(OPTIONS);
      await writeFile(DRIVE, `${PIN} 1\n`);
      return {
        line,
        isExact: name === 'gpiomon',
        drive: (level) => writeFile(DRIVE, `${PIN} ${level}\n`),
        async [Symbol.asyncDispose]() {
          await line.close();
          await writeFile(DRIVE, `${PIN} z\n`);
        },
      };
    },
    SKIP,
  );
}

const SILENT = { onOpened: () => {}, onEdge: () => {}, onLost: () => {} };

test('simulator: opening without a simulator, or a line it does not have, says so', async () => {
  await using lab = await startSimulator();
  const absent = new SimulatorLine(`${lab.path}-absent`, OPTIONS);
  await assert.rejects(absent.open(SILENT), { name: 'LineError', code: 'no_simulator' });
  const unknown = new SimulatorLine(lab.path, { pin: 99, pull: 'NONE' });
  await assert.rejects(unknown.open(SILENT), { name: 'LineError', code: 'no_such_line' });
  await absent.close();
  await unknown.close();
});

test('simulator: a simulator that goes away loses the line', async () => {
  await using lab = await startSimulator();
  const line = new SimulatorLine(lab.path, OPTIONS);
  const lost: LineError[] = [];
  await line.open({ ...SILENT, onLost: (error) => lost.push(error) });
  lab.server.dropConnections();
  await until('the loss is reported', () => lost.length === 1);
  assert.equal(lost[0]?.code, 'line_lost');
  await line.close();
});

test(
  'onoff: without the interface of the kernel the error says so',
  { skip: existsSync('/sys/class/gpio') ? 'this machine has /sys/class/gpio' : false },
  async () => {
    const line = new OnoffLine(OPTIONS);
    await assert.rejects(line.open(SILENT), { name: 'LineError', code: 'no_sysfs_gpio' });
    await line.close();
  },
);
