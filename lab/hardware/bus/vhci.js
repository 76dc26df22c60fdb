/** Plugging the adapter into the kernel's virtual USB host controller, and pulling it out. */
import { once } from 'node:events';
import { existsSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { Socket, createServer } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { serveUsbip } from './usbip.js';

const CONTROLLER = '/sys/devices/platform/vhci_hcd.0/';
const BUSES = '/sys/class/i2c-dev';
const PORT = 0;
/** Bus 1, device 2; any would do. */
const DEVICE_ID = (1 << 16) | 2;
const FULL_SPEED = 2;
const POLL_MS = 20;
const DEADLINE_MS = 20_000;

/** The number of the adapter's bus, undefined while there is none. */
export function busNumber() {
  if (!existsSync(BUSES)) return undefined;
  const name = readdirSync(BUSES).find((entry) => nameOf(entry).includes('tiny-usb'));
  const number = name === undefined ? undefined : Number(name.slice('i2c-'.length));
  return number !== undefined && existsSync(`/dev/i2c-${number}`) ? number : undefined;
}

function nameOf(entry) {
  try {
    return readFileSync(`${BUSES}/${entry}/name`, 'utf8');
  } catch {
    return '';
  }
}

export class UsbPort {
  #control;
  #socketPath;
  #socket;

  constructor(control, socketPath) {
    this.#control = control;
    this.#socketPath = socketPath;
  }

  /** Resolves with the bus number when the kernel has made a bus of the adapter. */
  async plug() {
    rmSync(this.#socketPath, { force: true });
    const server = createServer();
    server.listen(this.#socketPath);
    await once(server, 'listening');
    const connected = once(server, 'connection');
    const kernelEnd = new Socket();
    kernelEnd.pause();
    kernelEnd.connect(this.#socketPath);
    [this.#socket] = await connected;
    server.close();
    serveUsbip(this.#socket, this.#control);
    // The kernel takes a reference of its own on the connection; ours is closed without a word.
    const { fd } = kernelEnd._handle;
    writeFileSync(`${CONTROLLER}attach`, `${PORT} ${fd} ${DEVICE_ID} ${FULL_SPEED}\n`);
    kernelEnd.destroy();
    return untilTrue('the bus', () => busNumber());
  }

  /** Resolves when the bus has gone. */
  async pull() {
    writeFileSync(`${CONTROLLER}detach`, `${PORT}\n`);
    this.#socket?.destroy();
    this.#socket = undefined;
    await untilTrue('the end of the bus', () => busNumber() === undefined);
  }
}

async function untilTrue(what, probe) {
  const endMs = performance.now() + DEADLINE_MS;
  for (;;) {
    const value = probe();
    if (value !== undefined && value !== false) return value;
    if (performance.now() > endMs) throw new Error(`${what}: not within ${DEADLINE_MS} ms`);
    await sleep(POLL_MS);
  }
}
