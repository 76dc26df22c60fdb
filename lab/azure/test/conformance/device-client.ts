/**
 * The official device client as the conformance tests use it, against the lab or, with
 * `AZURE_HUB_CONNECTION_STRING` (a device's connection string), against a real hub.
 */
import azureCommon from 'azure-iot-common';
import azureDevice from 'azure-iot-device';
import type { Client } from 'azure-iot-device';
import azureMqtt from 'azure-iot-device-mqtt';
import { startCloud, symmetricKeyDevice } from '../../src/index.ts';
import type { Cloud, CloudOptions, Hub } from '../../src/index.ts';

export const { Message } = azureDevice;

/** The connection string of a device of a real hub, when the tests are to run there. */
export const REAL_HUB = process.env['AZURE_HUB_CONNECTION_STRING'] || undefined;
/** For tests of what only the lab can do, or what needs the service side. */
export const LAB_ONLY =
  REAL_HUB === undefined ? {} : { skip: 'needs the lab: faults, limits or the service side' };

export interface ClientOptions {
  readonly ca?: string;
  readonly cert?: string;
  readonly key?: string;
  readonly keepalive?: number;
}

/** A client that does not retry by itself, closed with the test. */
export function makeClient(connectionString: string, transport = azureMqtt.Mqtt): Client {
  const client = azureDevice.Client.fromConnectionString(connectionString, transport);
  client.setRetryPolicy(new azureCommon.NoRetry());
  // An error event without a listener would end the process.
  client.on('error', () => {});
  return client;
}

/** A connected client. */
export async function openClient(
  connectionString: string,
  options: ClientOptions = {},
): Promise<Client> {
  const client = makeClient(connectionString);
  await client.setOptions(options);
  await client.open();
  return client;
}

/** A lab with one device, or the real hub. */
export class Bench implements AsyncDisposable {
  readonly deviceId = 'dev-1';
  readonly #cloud: Cloud | undefined;
  readonly #clients: Client[] = [];

  constructor(cloud: Cloud | undefined) {
    this.#cloud = cloud;
  }

  /** @throws Error at a real hub */
  get cloud(): Cloud {
    if (this.#cloud === undefined) throw new Error('there is no lab in this run');
    return this.#cloud;
  }

  get hub(): Hub {
    return this.cloud.hub('hub-a');
  }

  get connectionString(): string {
    return REAL_HUB ?? this.hub.connectionString(this.deviceId);
  }

  make(): Client {
    return this.keep(makeClient(this.connectionString));
  }

  async open(options: ClientOptions = {}): Promise<Client> {
    const client = this.make();
    await client.setOptions({ ...this.trust, ...options });
    await client.open();
    return client;
  }

  get trust(): ClientOptions {
    return this.#cloud === undefined ? {} : { ca: this.#cloud.ca };
  }

  /** Closes the client with the bench. */
  keep(client: Client): Client {
    this.#clients.push(client);
    return client;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const client of this.#clients) {
      client.removeAllListeners();
      client.on('error', () => {});
      await Promise.race([
        client.close().catch(() => {}),
        new Promise((resolve) => setTimeout(resolve, 500)),
      ]);
    }
    await this.#cloud?.close();
  }
}

export async function startBench(options: CloudOptions = {}): Promise<Bench> {
  if (REAL_HUB !== undefined) return new Bench(undefined);
  const cloud = await startCloud(options);
  const bench = new Bench(cloud);
  bench.hub.registry.create(symmetricKeyDevice(bench.deviceId));
  return bench;
}
