/** Keeps account of everything that arrives: over MQTT with a persistent session, or in a hub. */
import { connectAsync } from 'mqtt';
import type { IClientOptions, MqttClient } from 'mqtt';
import { compareIds } from '@holdfast/redis';

export interface WireGap {
  readonly epoch: string | undefined;
  readonly from_seq?: number;
  readonly to_seq?: number;
  readonly from_id?: string;
  readonly to_id?: string;
  readonly count: number;
  readonly reason: string;
}

type Wire = Readonly<Record<string, string>>;

/** What has arrived so far, wherever it came from. */
export class Account {
  /** Content of each reading by its identity. */
  readonly readings = new Map<string, Wire>();
  readonly gaps = new Map<string, WireGap>();
  /** What a receiver must never see; empty when all is well. */
  readonly faults: string[] = [];
  messages = 0;
  duplicates = 0;
  largestBytes = 0;

  has(identity: string): boolean {
    return this.readings.has(identity);
  }

  take(payload: Buffer): void {
    this.messages += 1;
    this.largestBytes = Math.max(this.largestBytes, payload.length);
    let before = '0-0';
    for (const reading of JSON.parse(payload.toString()) as Wire[]) {
      if (typeof reading['_gap'] === 'object') {
        this.#takeGap(reading['_gap'], reading['_epoch']);
        continue;
      }
      const id = reading['_id'] ?? '';
      if (compareIds(before, id) >= 0) this.faults.push(`${before} before ${id} in one message`);
      before = id;
      this.#takeReading(reading);
    }
  }

  #takeReading(reading: Wire): void {
    const identity = identityOnWire(reading);
    const known = this.readings.get(identity);
    if (known === undefined) {
      this.readings.set(identity, reading);
      return;
    }
    this.duplicates += 1;
    if (JSON.stringify(known) !== JSON.stringify(reading)) {
      this.faults.push(`${identity} arrived with another content`);
    }
  }

  #takeGap(gap: WireGap, epoch: string | undefined): void {
    this.gaps.set(`${epoch} ${gap.from_seq ?? gap.from_id}`, { ...gap, epoch });
  }
}

export class Receiver extends Account implements AsyncDisposable {
  readonly #client: MqttClient;

  constructor(client: MqttClient) {
    super();
    this.#client = client;
    client.on('message', (_topic, payload) => this.take(payload));
    client.on('error', () => {});
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#client.endAsync(true);
  }
}

/** `(epoch, seq)`, or the stream id for entries of other programs. */
export function identityOnWire(reading: Wire): string {
  const [epoch, seq] = [reading['_epoch'], reading['_seq']];
  return epoch === undefined || seq === undefined ? `id ${reading['_id']}` : `${epoch} ${seq}`;
}

export async function startReceiver(
  port: number,
  topic: string,
  options: IClientOptions = {},
): Promise<Receiver> {
  const client = await connectAsync({
    host: '127.0.0.1',
    port,
    protocol: 'mqtt',
    clientId: 'receiver',
    clean: false,
    reconnectPeriod: 50,
    ...options,
  });
  const receiver = new Receiver(client);
  await client.subscribeAsync(topic, { qos: 1 });
  return receiver;
}
