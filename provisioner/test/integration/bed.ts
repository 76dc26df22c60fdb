/** A device with a real Redis and the real provisioner, and a cloud of the lab. */
import assert from 'node:assert/strict';
import { startCloud } from '@holdfast/azure-lab';
import type { Cloud, DpsSettings } from '@holdfast/azure-lab';
import { service, startRedis, until } from '@holdfast/lab/servers';
import type { ManagedProcess, RedisServer } from '@holdfast/lab/servers';
import { HubClient } from './hub-client.ts';
import type { Fields } from './hub-client.ts';

/** Waits of tenths of a second instead of minutes; all of them documented variables. */
export const FAST: Fields = {
  DPS_INTERVAL_SECONDS: '0.5',
  DPS_RETRY_SECONDS: '0.2',
  DPS_RETRY_MAX_SECONDS: '2',
  DPS_REFUSED_RETRY_MINUTES: '0.05',
  HUB_RETRY_MINUTES: '0.01',
  FLEET_DEVICES: '16',
};

export const REGISTRATION_ID = 'greenhouse-7';

export function startTestCloud(settings: Partial<DpsSettings> = {}): Promise<Cloud> {
  return startCloud({ dps: { settings: { retryAfterSeconds: 0, ...settings } } });
}

export class Bed implements AsyncDisposable {
  readonly cloud: Cloud;
  readonly redis: RedisServer;
  readonly hub: HubClient;
  readonly key: string;
  readonly logged: string[] = [];
  #process: ManagedProcess | undefined;
  /** Events of the cloud before this bed do not count. */
  readonly #mark: number;

  private constructor(cloud: Cloud, redis: RedisServer, key: string) {
    this.cloud = cloud;
    this.redis = redis;
    this.key = key;
    this.hub = new HubClient(redis, cloud.ca);
    this.#mark = cloud.log.position;
  }

  /** The cloud without faults, with one enrolment by key at hub-a. */
  static async create(
    cloud: Cloud,
    enrolment: Readonly<Record<string, string>> = {},
  ): Promise<Bed> {
    cloud.faults.clear();
    for (const hub of cloud.hubs)
      if (hub.registry.get(REGISTRATION_ID)) hub.registry.delete(REGISTRATION_ID);
    const json = { registrationId: REGISTRATION_ID, iotHubs: ['hub-a'], ...enrolment };
    const { attestation } = cloud.dps.enrol(json);
    const key = attestation.kind === 'symmetric_key' ? attestation.primaryKey : '';
    return new Bed(cloud, await startRedis(), key);
  }

  get env(): Fields {
    const { dps, caFile } = this.cloud;
    return {
      ...FAST,
      ...this.redis.env,
      // Without perl nothing is known of the kernel's clock.
      PATH: '/nonexistent',
      DPS_ENDPOINT: dps.endpoint,
      DPS_CA_CERTS: caFile,
      DPS_ID_SCOPE: dps.idScope,
      DPS_REGISTRATION_ID: REGISTRATION_ID,
      DPS_SYMMETRIC_KEY: this.key,
    };
  }

  get process(): ManagedProcess {
    assert.ok(this.#process, 'not started');
    return this.#process;
  }

  start(more: Fields = {}): ManagedProcess {
    const process = service('provisioner', { ...this.env, ...more });
    process.onLine((line) => this.logged.push(line));
    process.start();
    this.#process = process;
    return process;
  }

  async restart(more: Fields = {}): Promise<void> {
    await this.#process?.kill();
    this.start(more);
  }

  state(): Promise<Fields> {
    return this.redis.client.hgetall('provisioning:state');
  }

  status(): Promise<Fields> {
    return this.redis.client.hgetall('provisioner:status');
  }

  /** Resolves with `provisioning:state` when it says so. */
  untilState(state: string, reason?: string, timeoutMs = 15_000): Promise<Fields> {
    let last: Fields = {};
    const found = until(
      `state ${state} ${reason ?? ''}`,
      async () => {
        last = await this.state().catch(() => ({}));
        const right =
          last['state'] === state && (reason === undefined || last['reason'] === reason);
        return right ? last : undefined;
      },
      timeoutMs,
    );
    return found.catch((error: unknown) => {
      const tail = this.logged.slice(-15).join('\n');
      throw new Error(`${String(error)}; is ${JSON.stringify(last)}\n${tail}`);
    });
  }

  /** Provisioned at hub-a and connected. */
  async connect(more: Fields = {}): Promise<void> {
    this.start(more);
    await this.untilState('assigned');
    assert.equal(await this.hub.attempt(), 'ok');
    await this.untilState('connected');
  }

  /** Events of the time line, oldest first. */
  async events(): Promise<Fields[]> {
    const entries = await this.redis.client.xrange('events', '-', '+');
    return entries.map(([, fields]) =>
      Object.fromEntries(
        fields.flatMap((name, i) => (i % 2 === 0 ? [[name, fields[i + 1] ?? '']] : [])),
      ),
    );
  }

  untilEvent(event: string): Promise<Fields> {
    return until(`event ${event}`, async () =>
      (await this.events()).find((one) => one['event'] === event),
    );
  }

  /** What DPS has been asked, oldest first. */
  asked(...kinds: readonly ('registration' | 'poll' | 'lookup')[]) {
    const wanted = kinds.length === 0 ? (['registration', 'poll', 'lookup'] as const) : kinds;
    const { log } = this.cloud;
    return wanted
      .flatMap((kind) => [...log.of(kind, this.#mark)])
      .toSorted((a, b) => a.atMs - b.atMs);
  }

  untilAsked(count: number, ...kinds: readonly ('registration' | 'poll' | 'lookup')[]) {
    return until(`${count} x ${kinds.join()}`, () => this.asked(...kinds).length >= count);
  }

  /** Milliseconds between one question and the next. */
  waits(...kinds: readonly ('registration' | 'poll' | 'lookup')[]): number[] {
    const asked = this.asked(...kinds);
    return asked.slice(1).map(({ atMs }, i) => atMs - (asked[i]?.atMs ?? 0));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#process?.kill();
    await this.hub.close();
    await this.redis[Symbol.asyncDispose]();
  }
}
