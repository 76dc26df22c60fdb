/** The whole gateway on loopback: sensor side, Redis, handler, bad network, broker, receiver. */
import assert from 'node:assert/strict';
import { startFaultProxy } from '@holdfast/lab/fault-proxy';
import type { FaultProxy } from '@holdfast/lab/fault-proxy';
import { service, startMosquitto, startRedis, until } from '@holdfast/lab/servers';
import type {
  ManagedProcess,
  Mosquitto,
  MosquittoOptions,
  RedisServer,
  RedisServerOptions,
} from '@holdfast/lab/servers';
import { KEYS } from '@holdfast/redis';
import { Closing } from './closing.ts';
import { Producer } from './producer.ts';
import { Receiver, startReceiver } from './receiver.ts';

export const DEVICE = 'test-device';
export const TOPIC = `iot-projekt/device/${DEVICE}/values`;
/** Long enough for the longest wait between two attempts on a loaded machine. */
const SETTLE_MS = 40_000;

export interface BedOptions {
  readonly env?: Readonly<Record<string, string>>;
  readonly redis?: RedisServerOptions;
  readonly mosquitto?: MosquittoOptions;
  /** The handler is started with the bed; false = the test starts it. */
  readonly start?: boolean;
}

export class Bed implements AsyncDisposable {
  readonly redis: RedisServer;
  readonly broker: Mosquitto;
  /** Between handler and broker. */
  readonly network: FaultProxy;
  /** Between handler and Redis. */
  readonly redisNetwork: FaultProxy;
  handler: ManagedProcess;
  readonly receiver: Receiver;
  readonly producer: Producer;
  readonly #parts: Closing;

  constructor(parts: {
    redis: RedisServer;
    broker: Mosquitto;
    network: FaultProxy;
    redisNetwork: FaultProxy;
    handler: ManagedProcess;
    receiver: Receiver;
    producer: Producer;
    stack: Closing;
  }) {
    this.redis = parts.redis;
    this.broker = parts.broker;
    this.network = parts.network;
    this.redisNetwork = parts.redisNetwork;
    this.handler = parts.handler;
    this.receiver = parts.receiver;
    this.producer = parts.producer;
    this.#parts = parts.stack;
  }

  /** Starts a handler with further variables, in place of the one of this bed. */
  startHandler(env: Readonly<Record<string, string>>): void {
    const { spec } = this.handler;
    this.handler = this.#parts.use(service('mqtthandler', { ...spec.env, ...env }));
    this.handler.start();
  }

  async cursor(): Promise<string | null> {
    return this.redis.client.get(KEYS.mqttLastId.key);
  }

  async status(): Promise<Record<string, string>> {
    return this.redis.client.hgetall(KEYS.handlerStatus.key);
  }

  async newestId(): Promise<string> {
    const newest = await this.redis.client.xrevrange(KEYS.values.key, '+', '-', 'COUNT', 1);
    return newest[0]?.[0] ?? '0-0';
  }

  /** Names of the handler's events on the time line of the device. */
  async events(): Promise<string[]> {
    const entries = await this.redis.client.xrange(KEYS.events.key, '-', '+');
    return entries.map(([, fields]) => fields[fields.indexOf('event') + 1] ?? '');
  }

  /** The handler's log lines so far with this event. */
  logged(event: string): Record<string, unknown>[] {
    return this.handler.lines
      .filter((line) => line.startsWith('{'))
      .map((line) => JSON.parse(line) as Record<string, unknown>)
      .filter((line) => line['event'] === event);
  }

  /** Waits until everything appended has arrived and the stored cursor is at the end. */
  async untilDelivered(timeoutMs = SETTLE_MS): Promise<void> {
    const { appended } = this.producer;
    const missing = () => [...appended].filter((identity) => !this.receiver.has(identity));
    try {
      await until('everything appended is received', () => missing().length === 0, timeoutMs);
      await until('the cursor is at the end', async () => {
        const [cursor, newest, pending] = await Promise.all([
          this.cursor(),
          this.newestId(),
          this.redis.client.get(KEYS.mqttPending.key),
        ]);
        return cursor === newest && pending === null;
      });
    } catch (error) {
      const lost = missing();
      const tail = this.handler.lines.slice(-15).join('\n');
      const what = `${lost.length} of ${appended.size} missing, first ${lost[0]}`;
      throw new Error(`${what}; cursor ${await this.cursor()}\n${tail}`, { cause: error });
    }
  }

  /** Everything arrived, nothing was made up, nothing was recorded as lost. */
  async assertNothingLost(): Promise<void> {
    await this.untilDelivered();
    assert.deepEqual(this.receiver.faults, []);
    assert.deepEqual([...this.receiver.gaps.values()], []);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#parts[Symbol.asyncDispose]();
  }
}

/** Long waits of the handler are shortened, so that faults are noticed within a test. */
const QUICK = { MQTT_KEEPALIVE_SECONDS: '5', MQTT_PUBACK_TIMEOUT_SECONDS: '2' };

/** For tests that count repeats: a broker that a busy machine keeps waiting is not given up. */
export const PATIENT = { MQTT_PUBACK_TIMEOUT_SECONDS: '60' };

export async function startBed(options: BedOptions = {}): Promise<Bed> {
  const stack = new Closing();
  try {
    const redis = stack.use(await startRedis(options.redis));
    const broker = stack.use(await startMosquitto(options.mosquitto));
    const network = stack.use(await startFaultProxy({ targetPort: broker.port }));
    const redisNetwork = stack.use(await startFaultProxy({ targetPort: redis.port }));
    const receiver = stack.use(await startReceiver(broker.port, TOPIC));
    // A broker killed by the test still knows then what it owes to the receiver.
    await broker.save();
    const producer = stack.use(new Producer(redis.port));
    const handler = service('mqtthandler', {
      ...redis.env,
      REDIS_PORT: String(redisNetwork.port),
      ...QUICK,
      MQTT_HOST: '127.0.0.1',
      MQTT_PORT: String(network.port),
      BALENA_DEVICE_UUID: DEVICE,
      ...options.env,
    });
    stack.use(handler);
    const bed = new Bed({
      redis,
      broker,
      network,
      redisNetwork,
      handler,
      receiver,
      producer,
      stack,
    });
    if (options.start !== false) {
      handler.start();
      await handler.untilLine(/"link_up"/);
    }
    return bed;
  } catch (error) {
    await stack[Symbol.asyncDispose]();
    throw error;
  }
}
