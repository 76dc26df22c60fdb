/** The gateway with an IoT Hub: real Redis, the handler as a process, hubs on loopback over TLS. */
import assert from 'node:assert/strict';
import { createSas, startCloud, symmetricKeyDevice } from '@holdfast/azure-lab';
import type { Cloud, Hub, HubOptions, ReceivedMessage } from '@holdfast/azure-lab';
import { service, startRedis, until } from '@holdfast/lab/servers';
import type { ManagedProcess, RedisServer } from '@holdfast/lab/servers';
import { KEYS } from '@holdfast/redis';
import { Closing } from './closing.ts';
import { Producer } from './producer.ts';
import { Account } from './receiver.ts';

export const DEVICE = 'test-device';
const KEY = Buffer.from('a key of the device, 32 bytes long').toString('base64');
const SETTLE_MS = 60_000;

/** The handler's waits are shortened, so that faults are over within a test. */
const QUICK = {
  HUB_RECONNECT_SECONDS: '1',
  HUB_PUBACK_TIMEOUT_SECONDS: '2',
  HUB_INTERVAL_SECONDS: '0',
  HUB_MAX_MESSAGES_PER_SECOND: '50',
};

/** For tests that count repeats or connections: a busy machine's hub is not given up. */
export const PATIENT = { HUB_PUBACK_TIMEOUT_SECONDS: '60' };

export interface HubBedOptions {
  readonly env?: Readonly<Record<string, string>>;
  readonly hubs?: readonly (string | HubOptions)[];
  /** The device is known at the first hub, and told so; false = somebody else does that. */
  readonly assign?: boolean;
  /** The handler is started and connected; false = the test starts it. */
  readonly start?: boolean;
}

export class HubBed implements AsyncDisposable {
  readonly redis: RedisServer;
  readonly cloud: Cloud;
  readonly handler: ManagedProcess;
  readonly producer: Producer;
  /** Everything that any hub has accepted. */
  readonly account = new Account();
  readonly messages: { readonly hub: string; readonly message: ReceivedMessage }[] = [];
  readonly #parts: Closing;
  #generation = 0;

  constructor(
    redis: RedisServer,
    cloud: Cloud,
    handler: ManagedProcess,
    producer: Producer,
    parts: Closing,
  ) {
    this.redis = redis;
    this.cloud = cloud;
    this.handler = handler;
    this.producer = producer;
    this.#parts = parts;
    for (const hub of cloud.hubs) {
      hub.messages.subscribe((message) => {
        this.messages.push({ hub: hub.name, message });
        this.account.take(message.body);
      });
    }
  }

  hub(name = 'hub-a'): Hub {
    return this.cloud.hub(name);
  }

  /** Registers the device at a hub. */
  register(hub: string): void {
    this.hub(hub).registry.create(symmetricKeyDevice(DEVICE, KEY));
  }

  /** Does as the provisioner does when the device was assigned anew. */
  async assign(hub: string, further: Readonly<Record<string, string>> = {}): Promise<void> {
    this.#generation += 1;
    await this.publish(hub, { ...further });
  }

  /** Does as the provisioner does with a new token; the generation stays. */
  async publish(
    hub: string,
    { lifeSeconds = '3600', ...further }: Readonly<Record<string, string>> = {},
  ): Promise<void> {
    const { host } = this.hub(hub);
    const expiresSeconds = Date.now() / 1_000 + Number(lifeSeconds);
    const resource = encodeURIComponent(`${host}/devices/${DEVICE}`);
    await this.redis.client.hset(KEYS.hubCredentials.key, {
      generation: String(this.#generation),
      host,
      device_id: DEVICE,
      kind: 'sas',
      sas_token: createSas({ resource, key: KEY, expiresSeconds }),
      expires_ms: String(Math.round(expiresSeconds * 1_000)),
      renew_ms: String(Math.round(expiresSeconds * 1_000 - 900_000)),
      not_before_ms: '0',
      ...further,
    });
  }

  async link(): Promise<Record<string, string>> {
    return await this.redis.client.hgetall(KEYS.hubLink.key);
  }

  async untilLink(state: string, timeoutMs = 20_000): Promise<Record<string, string>> {
    return await until(
      `the link is ${state}`,
      async () => {
        const link = await this.link();
        return link['state'] === state && link;
      },
      timeoutMs,
    );
  }

  async cursor(): Promise<string | null> {
    return await this.redis.client.get(KEYS.hubLastId.key);
  }

  /** The handler's log lines so far with this event. */
  logged(event: string): Record<string, unknown>[] {
    return this.handler.lines
      .filter((line) => line.startsWith('{'))
      .map((line) => JSON.parse(line) as Record<string, unknown>)
      .filter((line) => line['event'] === event);
  }

  /** Everything appended has arrived, nothing was made up, nothing was recorded as lost. */
  async assertNothingLost(timeoutMs = SETTLE_MS): Promise<void> {
    const { appended } = this.producer;
    const missing = () => [...appended].filter((identity) => !this.account.has(identity));
    try {
      await until('everything appended is received', () => missing().length === 0, timeoutMs);
      await until('the cursor is at the end', async () => {
        const newest = await this.redis.client.xrevrange(KEYS.values.key, '+', '-', 'COUNT', 1);
        const pending = await this.redis.client.get(KEYS.hubPending.key);
        return (await this.cursor()) === newest[0]?.[0] && pending === null;
      });
    } catch (error) {
      const lost = missing();
      const tail = this.handler.lines.slice(-15).join('\n');
      const what = `${lost.length} of ${appended.size} missing, first ${lost[0]}`;
      throw new Error(`${what}; cursor ${await this.cursor()}\n${tail}`, { cause: error });
    }
    assert.deepEqual(this.account.faults, []);
    assert.deepEqual([...this.account.gaps.values()], []);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#parts[Symbol.asyncDispose]();
  }
}

export async function startHubBed(options: HubBedOptions = {}): Promise<HubBed> {
  const parts = new Closing();
  try {
    const redis = parts.use(await startRedis());
    const cloud = parts.use(await startCloud(options.hubs ? { hubs: options.hubs } : {}));
    const producer = parts.use(new Producer(redis.port));
    const handler = parts.use(
      service('mqtthandler', {
        ...redis.env,
        ...QUICK,
        HUB_ENABLE: 'true',
        HUB_CA_CERTS: cloud.caFile,
        BALENA_DEVICE_UUID: DEVICE,
        ...options.env,
      }),
    );
    const bed = new HubBed(redis, cloud, handler, producer, parts);
    const first = cloud.hubs[0]?.name ?? '';
    if (options.assign !== false) {
      bed.register(first);
      await bed.assign(first);
    }
    if (options.start !== false) {
      handler.start();
      await handler.untilLine(/"link_up"/);
    }
    return bed;
  } catch (error) {
    await parts[Symbol.asyncDispose]();
    throw error;
  }
}
