/**
 * The hardware of the development stack: lines, and a BME280 on bus 1 whose air warms and cools. Serves
 * the protocol of `lab/src/hardware` on a Unix socket until SIGTERM.
 *
 *   node main.ts SOCKET
 */
import { chmod } from 'node:fs/promises';
import { systemClock } from '@holdfast/kit';
import {
  GpioSimulation,
  HardwareClient,
  I2cSimulation,
  startHardwareSimulator,
} from '@holdfast/lab/hardware';

const CHIP = { bus: 1, address: 0x76 };
const DRIFT_EVERY_MS = 1_000;
const PERIOD_MS = 600_000;

const [path] = process.argv.slice(2);
if (path === undefined) throw new Error('usage: main.ts SOCKET');

/** Air over a period of ten minutes; temperature and humidity go against each other. */
function air(atMs: number) {
  const swing = Math.sin((2 * Math.PI * atMs) / PERIOD_MS);
  return {
    temperature_celsius: 21 + 2 * swing,
    humidity_percent: 45 - 5 * swing,
    pressure_hpa: 1_013 + 0.5 * swing,
  };
}

const stop = new AbortController();
process.once('SIGTERM', () => stop.abort()).once('SIGINT', () => stop.abort());

await using simulator = await startHardwareSimulator({
  path,
  handlers: { gpio: new GpioSimulation(), i2c: new I2cSimulation() },
});
// The services run as users of their own.
await chmod(simulator.path, 0o666);
await using hand = await HardwareClient.connect(simulator.path);
await hand.request('i2c_add', { ...CHIP, chip: 'bme280', values: air(0) });
console.log(`a BME280 at ${CHIP.bus}:0x${CHIP.address.toString(16)}; socket ${simulator.path}`);
while (!stop.signal.aborted) {
  await hand.request('i2c_set', { ...CHIP, values: air(systemClock.monotonicMs()) });
  await systemClock.sleepMs(DRIFT_EVERY_MS, stop.signal);
}
