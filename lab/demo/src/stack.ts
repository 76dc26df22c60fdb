/**
 * The whole gateway on this machine: the real services, the real Redis with its own start script, and
 * simulated hardware, with the other end that it is given. Everything has ports and folders of its own
 * and goes with `dispose`.
 */
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import {
  GpioSimulation,
  HardwareClient,
  I2cSimulation,
  startHardwareSimulator,
} from '@holdfast/lab/hardware';
import {
  ManagedProcess,
  dataFolder,
  freePort,
  isFree,
  removeFolder,
  service,
} from '@holdfast/lab/servers';
import type { RedisSettings } from '@holdfast/redis';
import type { PartName } from './core/parts.ts';
import type { FarSide, Gateway, Variables } from './far-side.ts';
import { Part } from './part.ts';

const REDIS_FOLDER = fileURLToPath(new URL('../../../redis/', import.meta.url));
const CHIP = { bus: 1, address: 0x76 };
const BUTTON_LINE = 2;
/** Fast enough that something moves. */
const INTERVAL_SECONDS = 0.2;
const DRIFT_EVERY_MS = 500;
/** The port of the page, when nobody else has it. */
const PAGE_PORT = 8_080;

export interface StackOptions {
  /** Every line of every process. */
  readonly onLine: (part: PartName, line: string) => void;
  /** A process has ended and will be started again. */
  readonly onEnd: (part: PartName) => void;
  /** The page answers at this address. */
  readonly onPage: (url: string) => void;
  /** In the order of their keys. */
  readonly order: readonly PartName[];
}

export class Stack implements Gateway, AsyncDisposable {
  readonly #dir = dataFolder('demo');
  readonly #options: StackOptions;
  readonly #parts = new Map<PartName, Part>();
  /** To be undone, last first. */
  readonly #undo: (() => PromiseLike<void> | void)[] = [];
  #hand: HardwareClient | undefined;
  #redisPort = 0;

  private constructor(options: StackOptions) {
    this.#options = options;
    this.#undo.push(() => removeFolder(this.#dir));
  }

  /** Nothing runs yet. */
  static create(options: StackOptions): Stack {
    return new Stack(options);
  }

  /** In the order of their keys. */
  get parts(): readonly Part[] {
    return this.#options.order.flatMap((name) => this.#parts.get(name) ?? []);
  }

  /** Redis first, because everybody needs its address; resolves before it answers. */
  async startRedis(): Promise<void> {
    this.#redisPort = await freePort();
    const process = new ManagedProcess({
      name: 'redis',
      command: `${REDIS_FOLDER}entrypoint.sh`,
      args: ['--bind', '127.0.0.1'],
      env: {
        DATA_DIR: join(this.#dir, 'data'),
        CREDENTIALS_DIR: join(this.#dir, 'credentials'),
        REDIS_CONF: `${REDIS_FOLDER}redis.conf`,
        REDIS_PORT: String(this.#redisPort),
      },
    });
    this.keep('redis', process);
  }

  /** Resolves when every process runs, which does not mean that it is ready. */
  async startRest(far: FarSide): Promise<void> {
    await Promise.all([this.#startDeviceSide(), this.#startFarSide(far), this.#startPage()]);
  }

  /** A service with its user of Redis, from now on whenever it ends. */
  keepService(name: PartName, env: Variables): void {
    this.keep(name, service(name, { ...this.#redisEnv(name), ...env }));
  }

  keep(name: PartName, process: ManagedProcess): void {
    process.onLine((line) => this.#options.onLine(name, line));
    const part = new Part(name, process, () => this.#options.onEnd(name));
    this.#parts.set(name, part);
    part.keep();
  }

  /** How a user of the ACL reaches Redis. */
  redisSettings(user: string): RedisSettings {
    return {
      host: '127.0.0.1',
      port: this.#redisPort,
      db: 0,
      username: user,
      passwordFile: this.#passwordFile(user),
    };
  }

  async pressButton(): Promise<void> {
    await this.#hand?.press(BUTTON_LINE);
  }

  async kill(name: PartName): Promise<void> {
    await this.#parts.get(name)?.kill();
  }

  /** Ends a process in order and for good. */
  async retire(name: PartName): Promise<void> {
    await this.#parts.get(name)?.retire('orderly');
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all(this.parts.map((part) => part.retire('at once')));
    for (const undo of this.#undo.toReversed()) await undo();
  }

  /** Hardware, and the services that measure and listen to the button. */
  async #startDeviceSide(): Promise<void> {
    const path = join(this.#dir, 'hardware.sock');
    const simulator = await startHardwareSimulator({
      path,
      handlers: { gpio: new GpioSimulation(), i2c: new I2cSimulation() },
    });
    this.#undo.push(() => simulator[Symbol.asyncDispose]());
    const hand = await HardwareClient.connect(path);
    this.#undo.push(() => hand[Symbol.asyncDispose]());
    this.#hand = hand;
    await hand.plugChip('bme280', CHIP, weather(0));
    const startMs = performance.now();
    const drift = setInterval(() => {
      hand.setChip(CHIP, weather((performance.now() - startMs) / 1_000)).catch(() => {});
    }, DRIFT_EVERY_MS);
    this.#undo.push(() => clearInterval(drift));
    this.keepService('sensor', {
      SENSORS: 'host,bme280@1:0x76',
      INTERVAL_SECONDS: String(INTERVAL_SECONDS),
      HARDWARE_SIMULATOR: path,
      PENDING_DIR: this.#dir,
    });
    this.keepService('startstopbutton', {
      BUTTON_PIN: String(BUTTON_LINE),
      HARDWARE_SIMULATOR: path,
    });
  }

  /** The other end, and the service that sends. */
  async #startFarSide(far: FarSide): Promise<void> {
    this.#undo.push(() => far[Symbol.asyncDispose]());
    this.keepService('mqtthandler', {
      ...(await far.start(this)),
      BALENA_DEVICE_UUID: 'demo',
      BALENA_DEVICE_TYPE: 'demo',
      BALENA_APP_NAME: 'demo',
    });
  }

  /** The page in the browser. It only looks, so it is none of the parts that can be killed. */
  async #startPage(): Promise<void> {
    const port = (await isFree(PAGE_PORT)) ? PAGE_PORT : await freePort();
    const page = service('grafana/api', {
      ...this.#redisEnv('grafana'),
      DASHBOARD_PORT: String(port),
      DASHBOARD_BIND: '127.0.0.1',
      DASHBOARD_CONTROL: 'true',
      DASHBOARD_REDIS_PASSWORD_FILE: this.#passwordFile('dashboard'),
      BALENA_DEVICE_NAME_AT_INIT: 'demo',
    });
    this.#undo.push(() => page.kill());
    page.onLine((line) => {
      if (line.includes('"event":"started"')) this.#options.onPage(`http://127.0.0.1:${port}/`);
    });
    page.start();
  }

  #redisEnv(user: string): Variables {
    return {
      REDIS_HOST: '127.0.0.1',
      REDIS_PORT: String(this.#redisPort),
      REDIS_USERNAME: user,
      REDIS_PASSWORD_FILE: this.#passwordFile(user),
    };
  }

  #passwordFile(user: string): string {
    return join(this.#dir, 'credentials', user, 'password');
  }
}

/** Slow weather: a period of a minute for the temperature, others for the rest. */
function weather(seconds: number): Record<string, number> {
  const wave = (periodSeconds: number) => Math.sin((2 * Math.PI * seconds) / periodSeconds);
  return {
    temperature_celsius: 21.5 + 2 * wave(60),
    humidity_percent: 45 + 5 * wave(95),
    pressure_hpa: 1_013.25 + 2 * wave(240),
  };
}
