/** A local IoT Hub: registry, connections, limits and everything a device can do with them. */
import { X509Certificate, randomBytes } from 'node:crypto';
import type { Clock } from '@holdfast/kit';
import type { IConnectPacket } from 'mqtt-packet';
import { Meter } from '../core/limits.ts';
import type { HubLimits, Usage } from '../core/limits.ts';
import { desiredTopic, parseHubUserName } from '../core/topics.ts';
import type { EventLog } from '../event-log.ts';
import type { Faults } from '../faults.ts';
import type { Json } from '../json.ts';
import type { MqttConnection, MqttService } from '../mqtt-connection.ts';
import type { MqttEndpoint } from '../mqtt-endpoint.ts';
import type { DeviceIdentity, HubRef } from '../ports.ts';
import { CloudToDevice } from './cloud-to-device.ts';
import type { CloudToDeviceMessage } from './cloud-to-device.ts';
import type { Device } from './device.ts';
import { FrontDoor } from './front-door.ts';
import { MessageLog } from './message-log.ts';
import type { MessageLogOptions } from './message-log.ts';
import { Methods } from './methods.ts';
import type { MethodAnswer, MethodOptions } from './methods.ts';
import { HubRegistry } from './registry.ts';
import { Telemetry } from './telemetry.ts';
import { Twins } from './twins.ts';

export interface HubOptions {
  readonly name: string;
  /** What devices call it; default `localhost` with its port, or its name where one port serves all. */
  readonly host?: string;
  /** Other names devices may use, e.g. behind `GatewayHostName`; `<name>.azure-devices.net` is one. */
  readonly aliases?: readonly string[];
  /** Its own port; default a free one. Without effect where one port serves all. */
  readonly port?: number;
  /** Default none; {@link tierLimits} gives those of a tier. */
  readonly limits?: HubLimits;
  readonly messages?: MessageLogOptions;
  /** Forget the subscriptions of a device at every connection, also with clean = false. */
  readonly forgetSubscriptions?: boolean;
  /** PEM of authorities beside the lab's own whose certificates devices of kind `x509_ca` may show. */
  readonly trustedAuthorities?: readonly string[];
}

export interface HubParts {
  readonly clock: Clock;
  readonly log: EventLog;
  readonly faults: Faults;
  /** PEM of the lab's own authority. */
  readonly ca: string;
}

export class Hub implements HubRef, MqttService {
  readonly name: string;
  readonly registry: HubRegistry;
  /** Every accepted message, to be waited for and counted. */
  readonly messages: MessageLog;
  /** May be replaced at any time. */
  limits: HubLimits;
  readonly #options: HubOptions;
  readonly #clock: Clock;
  readonly #log: EventLog;
  readonly #meter = new Meter();
  readonly #telemetry: Telemetry;
  readonly #methods: Methods;
  readonly #cloudToDevice: CloudToDevice;
  readonly #door: FrontDoor;
  readonly #end = new AbortController();
  #host: string;
  #endpoint: MqttEndpoint | undefined;

  constructor(options: HubOptions, { clock, log, faults, ca }: HubParts) {
    const { name } = options;
    this.name = name;
    this.#host = options.host ?? name;
    this.limits = options.limits ?? {};
    this.#options = options;
    this.#clock = clock;
    this.#log = log;
    this.messages = new MessageLog(options.messages);
    this.registry = new HubRegistry({
      changed: (device, event) => this.#deviceChanged(device, event),
      desiredChanged: (device, properties) => this.#pushDesired(device, properties),
    });
    const common = { hub: name, clock, log, meter: this.#meter, limits: () => this.limits };
    this.#telemetry = new Telemetry({ ...common, messages: this.messages });
    const charge = (bytes: number) => void this.#meter.charge(this.limits, bytes, clock.nowMs());
    this.#methods = new Methods(name, clock, log, charge);
    this.#cloudToDevice = new CloudToDevice(name, clock, log, charge);
    const authorities = [ca, ...(options.trustedAuthorities ?? [])];
    this.#door = new FrontDoor({
      ...common,
      name,
      faults,
      telemetry: this.#telemetry,
      twins: new Twins(common),
      methods: this.#methods,
      cloudToDevice: this.#cloudToDevice,
      findDevice: (deviceId) => this.registry.device(deviceId),
      isHost: (host) => this.#isHost(host),
      trusted: authorities.map((pem) => new X509Certificate(pem)),
      forgetSubscriptions: options.forgetSubscriptions ?? false,
    });
  }

  get host(): string {
    return this.#host;
  }

  /** Devices connected now. */
  get connected(): number {
    return this.#door.connected;
  }

  get usage(): Usage {
    return this.#meter.usage(this.#clock.nowMs());
  }

  /** For `startCloud`: 0 = any. */
  get wantedPort(): number {
    return this.#options.port ?? 0;
  }

  /** For `startCloud`: the hub has a port of its own. */
  listenOn(endpoint: MqttEndpoint, publicName: string): void {
    this.#endpoint = endpoint;
    const port = endpoint.port === 8883 ? '' : `:${endpoint.port}`;
    this.#host = this.#options.host ?? `${publicName}${port}`;
  }

  /** What a device of kind `sas` connects with. @throws HubError 404001 */
  connectionString(deviceId: string): string {
    const { authentication } = this.registry.require(deviceId).identity;
    const head = `HostName=${this.#host};DeviceId=${deviceId}`;
    if (authentication.kind !== 'sas') return `${head};x509=true`;
    return `${head};SharedAccessKey=${authentication.primaryKey}`;
  }

  /** Calls a direct method. @throws HubError 404001, 404103, 413001, 504101 */
  async invokeMethod(
    deviceId: string,
    method: string,
    payload?: Json,
    options: MethodOptions = {},
  ): Promise<MethodAnswer> {
    return this.#methods.invoke(this.registry.require(deviceId), method, payload, options);
  }

  /** Queues a cloud-to-device message. @returns its id @throws HubError 404001, 403004, 413001 */
  sendToDevice(deviceId: string, message: CloudToDeviceMessage): string {
    return this.#cloudToDevice.send(this.registry.require(deviceId), message);
  }

  dropConnections(deviceId?: string): void {
    this.#door.endSessions('dropped', deviceId);
  }

  /** All connections end; CONNECT is answered with 3 until the time is over. */
  failOver(durationMs: number): void {
    this.#door.failoverEndsMs = this.#clock.monotonicMs() + durationMs;
    this.#log.append({ event: 'failover_started', hub: this.name });
    this.#door.endSessions('failover');
    void this.#clock.sleepMs(durationMs, this.#end.signal).then(() => {
      if (!this.#end.signal.aborted) this.#log.append({ event: 'failover_ended', hub: this.name });
    });
  }

  /** Nobody answers on the hub's port any more (where all share one: connections are closed). */
  async goDown(): Promise<void> {
    if (this.#door.isDown) return;
    this.#door.isDown = true;
    this.#log.append({ event: 'hub_down', hub: this.name });
    this.#door.endSessions('hub_down');
    await this.#endpoint?.stop();
  }

  /** On the same port as before, knowing everything it knew. */
  async comeUp(): Promise<void> {
    if (!this.#door.isDown) return;
    await this.#endpoint?.start();
    this.#door.isDown = false;
    this.#log.append({ event: 'hub_up', hub: this.name });
  }

  async close(): Promise<void> {
    this.#end.abort();
    this.#door.close();
    this.#methods.close();
    this.#telemetry.close();
    await this.#endpoint?.stop();
  }

  claims(connect: IConnectPacket): boolean {
    const userName = parseHubUserName(connect.username ?? '');
    return userName !== undefined && this.#isHost(userName.host);
  }

  accept(connection: MqttConnection, connect: IConnectPacket): void {
    this.#door.accept(connection, connect);
  }

  #isHost(host: string): boolean {
    const wanted = host.toLowerCase();
    const names = [
      this.name,
      `${this.name}.azure-devices.net`,
      this.#host,
      ...(this.#options.aliases ?? []),
    ];
    // A device that names the port only in its socket: the port says which hub it means.
    if (this.#endpoint !== undefined) names.push(this.#host.replace(/:\d+$/, ''));
    return names.some((name) => name.toLowerCase() === wanted);
  }

  #deviceChanged(
    device: Device,
    event: 'device_created' | 'device_updated' | 'device_deleted',
  ): void {
    this.#log.append({ event, hub: this.name, deviceId: device.id });
    if (event === 'device_deleted') device.session?.end('deleted', '404001');
    else if (!device.identity.enabled) device.session?.end('disabled', '403012');
  }

  #pushDesired(device: Device, properties: object): void {
    const version = device.twin.desiredVersion;
    const pushed = device.listens('desired');
    if (pushed) {
      const body = Buffer.from(JSON.stringify({ ...properties, $version: version }));
      this.#meter.charge(this.limits, body.length, this.#clock.nowMs());
      device.session?.publish(desiredTopic(version), body, 0);
    }
    this.#log.append({
      event: 'desired_changed',
      hub: this.name,
      deviceId: device.id,
      version,
      pushed,
    });
  }
}

/** An enabled device with new keys. */
export function symmetricKeyDevice(deviceId: string, primaryKey = newKey()): DeviceIdentity {
  return {
    deviceId,
    enabled: true,
    authentication: { kind: 'sas', primaryKey, secondaryKey: newKey() },
  };
}

/** 32 random bytes in base64, as Azure makes its keys. */
export function newKey(): string {
  return randomBytes(32).toString('base64');
}
