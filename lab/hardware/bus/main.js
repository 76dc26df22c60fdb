/**
 * The modelled I2C bus of the hardware VM: node main.js SOCKET
 *
 * The kernel sees a USB adapter plugged into its virtual host controller, binds its ordinary driver
 * and creates /dev/i2c-<n>, with raw transfers and SMBus. Serves the operations of the hardware
 * simulator (lab/README.md) for this one bus, one JSON object per line; prints "ready <n>" when
 * programs can use it. Beside `i2c_add`, `i2c_set`, `i2c_remove` and `i2c_fault` (which here knows
 * `badcrc` too) there are `i2c_pull` and `i2c_plug` for the whole adapter; the member `bus` is not
 * needed. Plain JavaScript: it runs in the VM as it is.
 */
import { rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { createInterface } from 'node:readline';
import { CHIPS } from './chips/index.js';
import { FAULTS, Slot } from './slots.js';
import { UsbAdapter } from './usb-adapter.js';
import { UsbPort, busNumber } from './vhci.js';

const path = process.argv[2] ?? '/run/i2c.sock';
const slots = new Map();
const port = new UsbPort(new UsbAdapter(slots).control, `${path}.usb`);

function refuse(message) {
  throw Object.assign(new Error(message), { code: 'EINVAL' });
}

function slotAt(address) {
  return slots.get(address) ?? refuse(`nothing at address ${address}`);
}

function add({ chip, address, values }) {
  if (!Object.hasOwn(CHIPS, chip)) refuse(`no model of ${chip}`);
  if (!Number.isInteger(address) || address < 3 || address > 0x77) refuse(`address ${address}`);
  const model = new CHIPS[chip]();
  model.set(values ?? {});
  slots.set(address, new Slot(model));
}

const OPERATIONS = {
  i2c_buses: () => ({ buses: [busNumber()].filter((number) => number !== undefined) }),
  i2c_chips: () => ({ chips: Object.keys(CHIPS) }),
  i2c_add: add,
  i2c_set: ({ address, values }) => slotAt(address).set(values),
  i2c_remove: ({ address }) => void slots.delete(address),
  i2c_fault({ address, fault }) {
    if (!FAULTS.includes(fault)) refuse(`fault ${fault}`);
    slotAt(address).break(fault);
  },
  i2c_pull: () => port.pull(),
  i2c_plug: async () => ({ bus: await port.plug() }),
};

function parse(line) {
  try {
    return JSON.parse(line) ?? {};
  } catch {
    return {};
  }
}

/** Answers a line, whatever it is; never rejects. */
async function answer(line) {
  const { id = null, op, ...request } = parse(line);
  try {
    const operation = Object.hasOwn(OPERATIONS, op) ? OPERATIONS[op] : refuse(`what is ${op}?`);
    return { id, ok: true, ...(await operation(request)) };
  } catch (error) {
    return { id, ok: false, code: error.code ?? 'EIO', message: error.message };
  }
}

rmSync(path, { force: true });
const number = await port.plug();
const server = createServer((socket) => {
  socket.on('error', () => {});
  const lines = createInterface({ input: socket });
  lines.on('error', () => {});
  const reply = async (line) => {
    const told = await answer(line);
    if (socket.writable) socket.write(`${JSON.stringify(told)}\n`);
  };
  lines.on('line', (line) => void reply(line));
});
server.listen(path, () => console.log(`ready ${number}`));
