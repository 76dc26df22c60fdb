/**
 * An MQTT broker as a destination, over mqtt.js. One client per session: mqtt.js' own reconnecting
 * and its in-memory store are not used, because what must survive is in Redis.
 *
 * MQTT 5 first; a broker that does not speak it is asked with 3.1.1. Never by mistake: over 3.1.1 a
 * broker has no way to refuse a message, and some acknowledge an oversized one and drop it.
 */
import { connect } from 'mqtt';
import type { IClientOptions, IConnackPacket, MqttClient } from 'mqtt';
import { TransientError, errorCode, errorMessage } from '@holdfast/kit';
import type { Clock } from '@holdfast/kit';
import { AnswerGuard } from '../commands/answer-guard.ts';
import { classifyConnack } from '../core/classify.ts';
import type { Destination, Session } from '../ports.ts';
import { MqttCommands } from './mqtt-commands.ts';
import type { MqttCommandSettings } from './mqtt-commands.ts';
import { MqttSession } from './mqtt-session.ts';
import type { PayloadPool } from './payload-pool.ts';

export interface MqttSettings {
  readonly host: string;
  readonly port: number;
  readonly clientId: string;
  readonly username: string | undefined;
  readonly password: string | undefined;
  readonly keepaliveSeconds: number;
  readonly tls:
    | {
        readonly ca: Buffer | undefined;
        readonly cert: Buffer | undefined;
        readonly key: Buffer | undefined;
        readonly insecure: boolean;
      }
    | undefined;
  readonly valuesTopic: string;
  readonly maxPayloadBytes: number;
  readonly maxInFlight: number;
  readonly pubackTimeoutMs: number;
  readonly commands: MqttCommandSettings;
}

/** From the start of the TCP connection to CONNACK. */
const CONNECT_TIMEOUT_MS = 15_000;
/** After a refusal that will not go away by itself, milliseconds. */
const SLOW_RETRY_MS = 30_000;

/**
 * MQTT 5.0, section 3.1.2.11. A broker keeps more than we take at a time, and never sends what would
 * not fit into memory.
 */
const SESSION_PROPERTIES = {
  /** Seconds the broker keeps commands while the device is away: 7 days. */
  sessionExpiryInterval: 604_800,
  receiveMaximum: 32,
  maximumPacketSize: 2_097_152,
} as const;

/** A refused CONNECT; `slow` when only a change of configuration is likely to help. */
export class ConnectRefused extends TransientError {
  readonly code: string;

  constructor(code: string, slow: boolean) {
    super(
      `the broker refused the connection: ${code}`,
      slow ? { retryAfterMs: SLOW_RETRY_MS } : {},
    );
    this.code = code;
  }
}

/** The connection was closed in order before CONNACK. */
class HungUp extends TransientError {
  constructor() {
    super('the broker closed the connection before it answered');
  }
}

export class MqttDestination implements Destination {
  readonly name = 'mqtt';
  readonly address: string;
  readonly #settings: MqttSettings;
  readonly #clock: Clock;
  readonly #payloads: PayloadPool;
  readonly #guard: AnswerGuard;
  #version: 4 | 5 = 5;

  /** @param payloads memory of payloads, shared with whoever renders them */
  constructor(settings: MqttSettings, clock: Clock, payloads: PayloadPool) {
    this.#payloads = payloads;
    this.#settings = settings;
    this.#clock = clock;
    this.#guard = new AnswerGuard(clock);
    const scheme = settings.tls === undefined ? 'mqtt' : 'mqtts';
    this.address = `${scheme}://${settings.host}:${settings.port}`;
  }

  async connect(signal: AbortSignal): Promise<Session> {
    try {
      return await this.#attempt(this.#version, signal);
    } catch (error) {
      if (this.#version === 4 || !(error instanceof HungUp)) throw error;
    }
    // A broker that does not know MQTT 5 hangs up; so does one that is just being stopped. If it
    // answers 3.1.1, it is there, and hanging up on MQTT 5 once more is its answer.
    const older = await this.#attempt(4, signal);
    await older.close(true);
    try {
      return await this.#attempt(5, signal);
    } catch (error) {
      if (!(error instanceof HungUp)) throw error;
    }
    this.#version = 4;
    return await this.#attempt(4, signal);
  }

  async #attempt(version: 4 | 5, signal: AbortSignal): Promise<Session> {
    if (signal.aborted) throw new TransientError('stopped');
    const client = connect(this.#options(version));
    // At once: commands that waited at the broker come directly after its CONNACK.
    const { commands: settings } = this.#settings;
    const commands = new MqttCommands(client, this.#clock, settings, this.#guard);
    // Stays for good: a late error of a client we have given up must not end the process.
    client.on('error', () => {});
    let fail: (error: Error) => void = () => {};
    const attempt = new Promise<IConnackPacket>((resolve, reject) => {
      fail = reject;
      client.once('connect', resolve);
    });
    const onError = (error: Error) => fail(this.#refusal(error));
    const onClose = () => fail(new HungUp());
    const onAbort = () => fail(new TransientError('stopped'));
    client.once('error', onError).once('close', onClose);
    signal.addEventListener('abort', onAbort, { once: true });
    try {
      const session = this.#session(client, await attempt);
      commands.start(session);
      return session;
    } catch (error) {
      client.end(true);
      throw error;
    } finally {
      client.off('error', onError).off('close', onClose);
      signal.removeEventListener('abort', onAbort);
    }
  }

  #session(client: MqttClient, connack: IConnackPacket): MqttSession {
    const { valuesTopic, maxPayloadBytes, maxInFlight, pubackTimeoutMs } = this.#settings;
    const window = connack.properties?.receiveMaximum ?? 65_535;
    const announced = connack.properties?.maximumPacketSize ?? Infinity;
    return new MqttSession(client, this.#clock, this.#payloads, {
      topic: valuesTopic,
      answerTopic: this.#settings.commands.answerTopic,
      window,
      maxPayloadBytes: Math.min(maxPayloadBytes, announced - publishOverheadBytes(valuesTopic)),
      maxInFlight: Math.min(maxInFlight, window),
      pubackTimeoutMs,
    });
  }

  #refusal(error: Error): Error {
    const code = Number(errorCode(error));
    if (!Number.isInteger(code) || code <= 0) {
      return new TransientError(errorMessage(error), { cause: error });
    }
    const { verdict, reason } = classifyConnack(code);
    if (verdict === 'other_version') this.#version = this.#version === 5 ? 4 : 5;
    return new ConnectRefused(reason, verdict === 'retry_slowly');
  }

  #options(version: 4 | 5): IClientOptions {
    const { host, port, clientId, username, password, keepaliveSeconds, tls } = this.#settings;
    return {
      protocol: tls === undefined ? 'mqtt' : 'mqtts',
      host,
      port,
      clientId,
      ...(username === undefined ? {} : { username }),
      ...(password === undefined ? {} : { password }),
      ...(tls === undefined ? {} : tlsOptions(tls)),
      protocolVersion: version,
      // The broker keeps commands for us while we are away.
      clean: false,
      ...(version === 5 ? { properties: SESSION_PROPERTIES } : {}),
      keepalive: keepaliveSeconds,
      connectTimeout: CONNECT_TIMEOUT_MS,
      reconnectPeriod: 0,
      queueQoSZero: false,
      resubscribe: false,
    };
  }
}

function tlsOptions(tls: NonNullable<MqttSettings['tls']>): IClientOptions {
  return {
    rejectUnauthorized: !tls.insecure,
    ...(tls.ca === undefined ? {} : { ca: tls.ca }),
    ...(tls.cert === undefined ? {} : { cert: tls.cert }),
    ...(tls.key === undefined ? {} : { key: tls.key }),
  };
}

/**
 * Bytes of a PUBLISH around its payload, at most: fixed header 5, topic length 2 + topic, packet
 * identifier 2, property length 1 (MQTT 5.0, section 3.3).
 */
function publishOverheadBytes(topic: string): number {
  return 10 + Buffer.byteLength(topic);
}
