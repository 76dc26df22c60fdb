/** A broker, a subscriber, and a network in front of the broker that can be cut. */
import { startFaultProxy } from '@holdfast/lab/fault-proxy';
import type { FaultProxy } from '@holdfast/lab/fault-proxy';
import { startMosquitto } from '@holdfast/lab/servers';
import { KEYS } from '@holdfast/redis';
import type { FarAction } from './core/keys.ts';
import type {
  FarParts,
  FarSide,
  FarView,
  Gateway,
  Status,
  Variables,
  Watched,
} from './far-side.ts';
import { subscribe } from './subscriber.ts';

const STATUS = KEYS.handlerStatus.key;

export class MqttSide implements FarSide {
  readonly watched: Watched = {
    cursorKey: KEYS.mqttLastId.key,
    hashes: [],
    link: (hash: (key: string) => Status) => hash(STATUS)['mqtt_state'] ?? '',
  };
  readonly #parts: FarParts;
  /** To be undone, last first. */
  readonly #undo: (() => PromiseLike<void>)[] = [];
  #network: FaultProxy | undefined;

  constructor(parts: FarParts) {
    this.#parts = parts;
  }

  async start(gateway: Gateway): Promise<Variables> {
    const broker = await startMosquitto();
    this.#undo.push(() => broker[Symbol.asyncDispose]());
    gateway.keep('mosquitto', broker.process);
    // Nothing has been sent yet: the subscriber misses nothing.
    this.#undo.push(await subscribe(broker.port, this.#parts.take));
    const network = await startFaultProxy({ targetPort: broker.port });
    this.#undo.push(() => network[Symbol.asyncDispose]());
    this.#network = network;
    return {
      MQTT_HOST: '127.0.0.1',
      MQTT_PORT: String(network.port),
      MQTT_KEEPALIVE_SECONDS: '5',
    };
  }

  async act(action: FarAction): Promise<void> {
    if (action !== 'network') return;
    const { networkCut } = this.view();
    this.#parts.say('you', networkCut ? 'restore the network' : 'cut the network');
    await (networkCut ? this.#network?.restore() : this.#network?.cut());
  }

  async restore(): Promise<void> {
    await this.#network?.restore();
  }

  view(): FarView {
    return { networkCut: this.#network?.state === 'cut', cloud: undefined };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const undo of this.#undo.splice(0).toReversed()) await undo();
  }
}
