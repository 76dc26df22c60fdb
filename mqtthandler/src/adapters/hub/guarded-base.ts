/**
 * The MQTT connection below the SDK's transport, with what the SDK lacks: it shows the MQTT client's
 * own errors, which the SDK renames; it bounds the time of a connection attempt; it hands on only
 * what the SDK can parse, and no fault of the SDK's parsing ends the process.
 */
import azureMqttBase from 'azure-iot-mqtt-base';
import { tame } from '../../core/hub/wire.ts';

/** What we use of the MQTT client that the SDK brings along. */
export interface RawClient {
  readonly stream: { destroy(): void };
  on(event: 'error', listener: (error: unknown) => void): unknown;
  on(event: 'close', listener: () => void): unknown;
}

interface MqttProvider {
  connect(uri: string, options: Record<string, unknown>): RawClient;
}

export class GuardedBase extends azureMqttBase.MqttBase {
  readonly #onFault: (error: unknown) => void;

  /**
   * @param onClient gets the MQTT client when it is made
   * @param onFault gets what the SDK threw about something the hub has sent
   */
  constructor(
    connectTimeoutMs: number,
    onClient: (client: RawClient) => void,
    onFault: (error: unknown) => void,
  ) {
    super();
    this.#onFault = onFault;
    const own = this as unknown as { mqttProvider: MqttProvider };
    const inner = own.mqttProvider;
    own.mqttProvider = {
      connect(uri, options) {
        const client = inner.connect(uri, { ...options, connectTimeout: connectTimeoutMs });
        onClient(client);
        return client;
      },
    };
  }

  override emit(event: string | symbol, ...args: unknown[]): boolean {
    if (event !== 'message') return super.emit(event, ...args);
    const [topic, payload] = args as [string, Uint8Array];
    try {
      const tamed = tame(topic, payload);
      if (tamed === undefined) return false;
      if (tamed === 'as_it_is') return super.emit(event, topic, payload);
      return super.emit(event, tamed.topic, tamed.payload);
    } catch (error) {
      this.#onFault(error);
      return false;
    }
  }
}
