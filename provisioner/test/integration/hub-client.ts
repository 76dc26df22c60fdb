/**
 * Stands in for the mqtthandler: takes the credentials from Redis, makes one attempt at the hub when
 * told to, and reports how it fared.
 */
import { connect } from 'mqtt';
import type { MqttClient } from 'mqtt';
import { until } from '@holdfast/lab/servers';
import type { RedisServer } from '@holdfast/lab/servers';

export type Fields = Readonly<Record<string, string>>;

export class HubClient {
  readonly #redis: RedisServer;
  readonly #ca: string;
  readonly #certificate: { readonly cert: string; readonly key: string } | undefined;
  #client: MqttClient | undefined;
  #attempt = 0;
  /** Of the credentials of the newest attempt. */
  #generation = '';
  #connectedMs = 0;

  constructor(redis: RedisServer, ca: string, certificate?: { cert: string; key: string }) {
    this.#redis = redis;
    this.#ca = ca;
    this.#certificate = certificate;
  }

  get connected(): boolean {
    return this.#client?.connected ?? false;
  }

  /** Resolves with the credentials once there are some, of `generation` when given. */
  credentials(generation?: number): Promise<Fields> {
    return until('credentials', async () => {
      const found = await this.#redis.client.hgetall('hub:credentials');
      const right = generation === undefined || found['generation'] === String(generation);
      return found['host'] !== undefined && right ? found : undefined;
    });
  }

  /** One attempt with what is in Redis now; resolves with the outcome that was reported. */
  async attempt(): Promise<string> {
    const credentials = await this.credentials();
    const { generation = '' } = credentials;
    this.#attempt += 1;
    this.#generation = generation;
    this.#client?.end(true);
    const outcome = await this.#connect(credentials);
    const state = outcome === 'ok' ? 'connected' : 'failed';
    if (outcome === 'ok') this.#connectedMs = Date.now();
    await this.report(state, outcome, generation);
    return outcome;
  }

  /**
   * As the mqtthandler: an attempt unless it is connected with the generation that is in Redis now;
   * while there are no credentials the connection there is stays.
   */
  async follow(): Promise<void> {
    const generation = await this.#redis.client.hget('hub:credentials', 'generation');
    if (generation === null || (this.connected && generation === this.#generation)) return;
    await this.attempt();
  }

  /** Attempts until the provisioner has drawn this conclusion. */
  async attemptUntil(reason: string, state: () => Promise<Fields>): Promise<void> {
    for (let i = 0; i < 20; i += 1) {
      await this.attempt();
      const seen = async () => (await state())['reason'];
      const before = await seen();
      if (before === reason) return;
      await until('the report is seen', async () => (await seen()) !== before, 2_500).catch(
        () => {},
      );
      if ((await seen()) === reason) return;
    }
    throw new Error(`never ${reason}`);
  }

  async report(state: string, outcome: string, generation: string): Promise<void> {
    await this.#redis.client.hset('hub_sender:link', {
      state,
      generation,
      attempt: this.#attempt,
      outcome,
      detail: 'test',
      at_ms: Date.now(),
      connected_ms: this.#connectedMs === 0 ? '' : this.#connectedMs,
    });
  }

  async close(): Promise<void> {
    await this.#client?.endAsync(true);
  }

  #connect(credentials: Fields): Promise<string> {
    const {
      host = '',
      device_id: deviceId = '',
      sas_token: password,
      generation = '',
    } = credentials;
    const client = connect(`mqtts://${host}`, {
      clientId: deviceId,
      username: `${host}/${deviceId}/?api-version=2021-04-12`,
      ...(password === undefined ? {} : { password }),
      ...this.#certificate,
      ca: this.#ca,
      clean: false,
      reconnectPeriod: 0,
    });
    this.#client = client;
    return new Promise((resolve) => {
      let opened = false;
      client.on('connect', () => {
        opened = true;
        resolve('ok');
      });
      client.on('error', (error) => {
        const { code } = error as { code?: unknown };
        resolve(typeof code === 'number' ? `connack_${code}` : 'network');
      });
      client.on('close', () => {
        if (!opened) return resolve('network');
        if (client !== this.#client || client.disconnecting) return;
        void this.report('lost', 'dropped', generation).catch(() => {});
      });
    });
  }
}
