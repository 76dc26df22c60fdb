/** A device under remote control: real Redis, real Mosquitto, the bundle, and somebody who commands. */
import { connectAsync } from 'mqtt';
import type { MqttClient } from 'mqtt';
import { service, startMosquitto, startRedis, until } from '@holdfast/lab/servers';
import type { ManagedProcess, Mosquitto, RedisServer } from '@holdfast/lab/servers';
import { startOldBroker } from './old-broker.ts';

export type Answer = Readonly<Record<string, unknown>>;

export const DEVICE = 'device-1';
const TOPIC = `iot-projekt/device/${DEVICE}`;

/** An MQTT client that sends commands and keeps every answer. */
export class Commander implements AsyncDisposable {
  readonly answers: Answer[] = [];
  /** Answers to the bed's own questions whether the device listens. */
  readonly probes: Answer[] = [];
  /** Readings received, by stream id, with how often each came. */
  readonly readings = new Map<string, number>();
  readonly #client: MqttClient;

  private constructor(client: MqttClient) {
    this.#client = client;
    client.on('message', (topic, payload) => {
      const value: unknown = JSON.parse(payload.toString());
      if (topic === `${TOPIC}/values`) this.#count(value as { _id: string }[]);
      else if ('probe' in (value as Answer)) this.probes.push(value as Answer);
      else this.answers.push(value as Answer);
    });
  }

  static async connect(port: number): Promise<Commander> {
    const client = await connectAsync(`mqtt://127.0.0.1:${port}`, {
      protocolVersion: 5,
      clientId: `commander-${port}`,
      clean: false,
      properties: { sessionExpiryInterval: 3_600 },
      reconnectPeriod: 50,
    });
    client.on('error', () => {});
    const commander = new Commander(client);
    await client.subscribeAsync([`${TOPIC}/response`, `${TOPIC}/values`], { qos: 1 });
    return commander;
  }

  /** Sends a command to the device; resolves when the broker has it. */
  async send(
    command: unknown,
    options: { retain?: boolean; qos?: 0 | 1 } = {},
    topic = `${TOPIC}/request`,
  ): Promise<void> {
    const isRaw = typeof command === 'string' || command instanceof Buffer;
    const payload = isRaw ? command : JSON.stringify(command);
    await this.#client.publishAsync(topic, payload, { qos: 1, ...options });
  }

  async broadcast(command: unknown): Promise<void> {
    const payload = JSON.stringify(command);
    await this.#client.publishAsync('iot-projekt/device/broadcast/control', payload, { qos: 1 });
  }

  /** Resolves with the first answer from `from` on that `matches`. */
  async answer(
    matches: (answer: Answer) => boolean,
    from = 0,
    timeoutMs = 20_000,
  ): Promise<Answer> {
    return await until(
      'an answer',
      () => this.answers.slice(from).find((answer) => matches(answer)),
      timeoutMs,
    ).catch((error: unknown) => {
      const seen = JSON.stringify(this.answers.slice(-5));
      throw new Error(`${String(error)}; answers: ${seen}`, { cause: error });
    });
  }

  /** Sends a command and resolves with the next answer. */
  async ask(command: unknown): Promise<Answer> {
    const from = this.answers.length;
    await this.send(command);
    return await this.answer(() => true, from);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#client.endAsync(true);
  }

  #count(readings: readonly { _id: string }[]): void {
    for (const { _id: id } of readings) this.readings.set(id, (this.readings.get(id) ?? 0) + 1);
  }
}

export interface CommandBed extends AsyncDisposable {
  readonly redis: RedisServer;
  readonly broker: Mosquitto;
  readonly handler: ManagedProcess;
  readonly commander: Commander;
  /** Resolves when the handler is connected and its subscription stands. */
  untilListening(): Promise<void>;
}

export interface CommandBedOptions {
  /** Further lines of mosquitto.conf. */
  readonly brokerConfig?: readonly string[];
  /** The broker only knows MQTT 3.1.1, as far as the device can tell. */
  readonly oldBroker?: boolean;
}

export async function commandBed(
  env: Readonly<Record<string, string>> = {},
  options: CommandBedOptions = {},
): Promise<CommandBed> {
  const owned: AsyncDisposable[] = [];
  const own = <T extends AsyncDisposable>(thing: T): T => {
    owned.push(thing);
    return thing;
  };
  const dispose = async () => {
    for (const thing of owned.toReversed()) await thing[Symbol.asyncDispose]();
  };
  try {
    const redis = own(await startRedis());
    const config = ['allow_anonymous true', ...(options.brokerConfig ?? [])];
    const broker = own(await startMosquitto({ config }));
    const port = options.oldBroker ? own(await startOldBroker(broker.port)).port : broker.port;
    const commander = own(await Commander.connect(broker.port));
    const handler = own(
      service('mqtthandler', {
        ...redis.env,
        // Tests store readings with ids of 1970, which is long ago.
        BUFFER_KEEP_HOURS: '1000000',
        MQTT_HOST: '127.0.0.1',
        MQTT_PORT: String(port),
        BALENA_DEVICE_UUID: DEVICE,
        ...env,
      }),
    );
    const untilListening = () => listening(commander);
    handler.start();
    await untilListening();
    return { redis, broker, handler, commander, untilListening, [Symbol.asyncDispose]: dispose };
  } catch (error) {
    await dispose();
    throw error;
  }
}

/** Resolves when a command is answered; what it is answered does not matter. */
async function listening(commander: Commander): Promise<void> {
  const probe = `${Math.random()}`;
  let attempt = 0;
  await until('the device answers', async () => {
    // What is sent before the first subscription stands reaches nobody.
    if (attempt % 50 === 0) await commander.send({ command: 'probe', probe });
    attempt += 1;
    return commander.probes.some((answer) => answer['probe'] === probe);
  });
}

export function codeOf(answer: Answer): unknown {
  const { error } = answer as { error?: { code?: unknown } };
  return error?.code;
}
