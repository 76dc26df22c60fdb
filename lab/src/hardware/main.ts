/**
 * By hand:
 *   node --import tsx lab/src/hardware/main.ts /tmp/hardware.sock
 * serves until Ctrl-C, and with a request as second argument sends it and prints the answer:
 *   node --import tsx lab/src/hardware/main.ts /tmp/hardware.sock '{"op":"gpio_press","line":2}'
 */
import { errorCode, errorMessage } from '@holdfast/kit';
import {
  GpioSimulation,
  HardwareClient,
  I2cSimulation,
  parseMessage,
  startHardwareSimulator,
} from './index.ts';

async function serve(path: string): Promise<void> {
  await using simulator = await startHardwareSimulator({
    path,
    handlers: { gpio: new GpioSimulation(), i2c: new I2cSimulation() },
  });
  console.log(`hardware simulator on ${simulator.path}; end with Ctrl-C`);
  await new Promise((resolve) => process.once('SIGINT', resolve).once('SIGTERM', resolve));
}

async function send(path: string, json: string): Promise<void> {
  const { op, ...fields } = parseMessage(json) ?? {};
  await using client = await HardwareClient.connect(path);
  console.log(JSON.stringify(await client.request(String(op), fields)));
}

const [path, request] = process.argv.slice(2);
try {
  if (path === undefined) throw new Error('usage: main.ts SOCKET [REQUEST AS JSON]');
  await (request === undefined ? serve(path) : send(path, request));
} catch (error) {
  console.error(`${errorCode(error)}: ${errorMessage(error)}`);
  process.exitCode = 1;
}
