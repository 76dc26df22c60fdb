/** A local IoT Hub: registry, connections, limits and everything a device can do with them. */
import { X509Certificate, randomBytes } from 'node:crypto';
import type { Clock } from '@holdfast/kit';
import type { IConnectPacket } from 'mqtt-packet';
import { Meter, RateLimiter } from '../core/limits.ts';
import type { HubLimits, Usage } from '../core/limits.ts';
import { desiredTopic, parseHubUserName } from '../core/topics.ts';
import type { EventLog } from '../event-log.ts';
import type { DisconnectReason } from '../events.ts';
import type { FaultAction, Faults } from '../faults.ts';
import type { Json } from '../json.ts';
import type { MqttConnection, MqttEndpoint, MqttService } from '../mqtt-endpoint.ts';
import type { DeviceIdentity, HubRef } from '../ports.ts';
import { admit } from './admission.ts';
import type { Admitted, Refused } from './admission.ts';
import { CloudToDevice } from './cloud-to-device.ts';
import type { CloudToDeviceMessage } from './cloud-to-device.ts';
import type { Device } from './device.ts';
import { MessageLog } from './message-log.ts';
import type { MessageLogOptions } from './message-log.ts';
import { Methods } from './methods.ts';
import type { MethodAnswer, MethodOptions } from './methods.ts';
import { HubRegistry } from './registry.ts';
import { Session } from './session.ts';
import type { SessionHost } from './session.ts';
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

/** How often keepalive and token expiry are looked at. */
const SWEEP_MS = 200;

export class Hub implements HubRef, MqttService, SessionHost {
  readonly name: string;
  readonly clock: Clock;
  readonly faults: Faults;
  readonly registry: HubRegistry;
  /** Every accepted message, to be waited for and counted. */
  readonly messages: MessageLog;
  readonly telemetry: Telemetry;
  readonly twins: Twins;
  readonly methods: Methods;
  readonly cloudToDevice: CloudToDevice;
  /** May be replaced at any time. */
  limits: HubLimits;
  readonly #options: HubOptions;
  readonly #log: EventLog;
  readonly #trusted: readonly X509Certificate[];
  readonly #meter = new Meter();
  readonly #connects = new RateLimiter();
  readonly #sessions = new Set<Session>();
  readonly #end = new AbortController();
  #host: string;
  #endpoint: MqttEndpoint | undefined;
  #down = false;
  #failoverEndsMs = Number.NEGATIVE_INFINITY;

  constructor(options: HubOptions, { clock, log, faults, ca }: HubParts) {
    this.#options = options;
    this.#host = options.host ?? options.name;
    this.name = options.name;
    this.limits = options.limits ?? {};
    this.clock = clock;
    this.faults = faults;
    this.#log = log;
    this.#trusted = [ca, ...(options.trustedAuthorities ?? [])].map(
      (pem) => new X509Certificate(pem),
    );
    this.messages = new MessageLog(options.messages);
    const limits = () => this.limits;
    const parts = {
      hub: this.name,
      clock,
      log,
      messages: this.messages,
      meter: this.#meter,
      limits,
    };
    this.telemetry = new Telemetry(parts);
    this.twins = new Twins(parts);
    this.methods = new Methods(this.name, clock, log);
    this.cloudToDevice = new CloudToDevice(this.name, clock, log);
    this.registry = new HubRegistry({
      changed: (device, event) => this.#deviceChanged(device, event),
      desiredChanged: (device, properties) => this.#pushDesired(device, properties),
    });
    void this.#watch();
  }

  get host(): string {
    return this.#host;
  }

  /** Devices connected now. */
  get connected(): number {
    return this.#sessions.size;
  }

  get usage(): Usage {
    return this.#meter.usage(this.clock.nowMs());
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
    return this.methods.invoke(this.registry.require(deviceId), method, payload, options);
  }

  /** Queues a cloud-to-device message. @returns its id @throws HubError 404001, 403004, 413001 */
  sendToDevice(deviceId: string, message: CloudToDeviceMessage): string {
    return this.cloudToDevice.send(this.registry.require(deviceId), message);
  }

  dropConnections(deviceId?: string): void {
    for (const session of this.#sessions) {
      if (deviceId === undefined || session.device.id === deviceId) session.end('dropped');
    }
  }

  /** All connections end; CONNECT is answered with 3 until the time is over. */
  failOver(durationMs: number): void {
    this.#failoverEndsMs = this.clock.monotonicMs() + durationMs;
    this.#log.append({ event: 'failover_started', hub: this.name });
    for (const session of this.#sessions) session.end('failover');
    void this.clock.sleepMs(durationMs, this.#end.signal).then(() => {
      if (!this.#end.signal.aborted) this.#log.append({ event: 'failover_ended', hub: this.name });
    });
  }

  /** Nobody answers on the hub's port any more (where all share one: connections are closed). */
  async goDown(): Promise<void> {
    if (this.#down) return;
    this.#down = true;
    this.#log.append({ event: 'hub_down', hub: this.name });
    for (const session of this.#sessions) session.end('hub_down');
    await this.#endpoint?.stop();
  }

  /** On the same port as before, knowing everything it knew. */
  async comeUp(): Promise<void> {
    if (!this.#down) return;
    await this.#endpoint?.start();
    this.#down = false;
    this.#log.append({ event: 'hub_up', hub: this.name });
  }

  async close(): Promise<void> {
    this.#end.abort();
    this.methods.close();
    this.telemetry.close();
    await this.#endpoint?.stop();
  }

  claims(connect: IConnectPacket): boolean {
    const userName = parseHubUserName(connect.username ?? '');
    return userName !== undefined && this.#isHost(userName.host);
  }

  accept(connection: MqttConnection, connect: IConnectPacket): void {
    const fault = this.faults.take('hub_connect', this.name, connect.clientId);
    const judge = () => {
      if (!connection.closed) this.#judge(connection, connect, fault?.action);
    };
    if (fault === undefined || fault.delayMs === 0) return judge();
    void this.clock.sleepMs(fault.delayMs, this.#end.signal).then(judge);
  }

  ended(session: Session, reason: DisconnectReason, detail: string | undefined): void {
    const { device } = session;
    this.#sessions.delete(session);
    if (device.session === session) device.session = undefined;
    if (session.clean) device.subscriptions.clear();
    this.cloudToDevice.disconnected(device);
    this.#log.append({
      event: 'disconnected',
      hub: this.name,
      deviceId: device.id,
      reason,
      ...(detail === undefined ? {} : { detail }),
    });
  }

  #judge(
    connection: MqttConnection,
    connect: IConnectPacket,
    action: FaultAction | undefined,
  ): void {
    const verdict = this.#verdict(connection, connect, action);
    if (!verdict.ok) return this.#refuse(connection, connect, verdict, action);
    const { device, userName, attestation } = verdict;
    device.session?.end('replaced', '400027');
    const session = new Session(this, connection, connect, verdict);
    if (session.clean || this.#options.forgetSubscriptions === true) device.subscriptions.clear();
    device.session = session;
    this.#sessions.add(session);
    const sessionPresent = device.subscriptions.size > 0;
    session.start(sessionPresent);
    this.#log.append({
      event: 'connected',
      hub: this.name,
      deviceId: device.id,
      attestation,
      apiVersion: userName.apiVersion,
      clean: session.clean,
      sessionPresent,
      keepaliveSeconds: connect.keepalive ?? 0,
      ...(session.expiresMs === undefined ? {} : { expiresMs: session.expiresMs }),
    });
    if (action?.kind === 'process_and_close') return session.end('fault', 'after CONNACK', true);
    // The day's messages are used up: let in, then shown the door without a reason.
    if (this.#meter.exhausted(this.limits, this.clock.nowMs()))
      return session.end('quota', '403002', true);
    this.cloudToDevice.deliver(device);
    if (device.listens('methods')) this.methods.arrived(device);
  }

  #verdict(
    connection: MqttConnection,
    connect: IConnectPacket,
    action: FaultAction | undefined,
  ): Admitted | Refused {
    if (this.#down) return { ok: false, connack: 0, reason: 'hub is down' };
    if (action?.kind === 'connack') return { ok: false, connack: action.code, reason: 'fault' };
    if (action?.kind === 'hang' || action?.kind === 'close' || action?.kind === 'withhold') {
      return { ok: false, connack: 0, reason: `fault ${action.kind}` };
    }
    const nowMs = this.clock.monotonicMs();
    if (nowMs < this.#failoverEndsMs) return { ok: false, connack: 3, reason: 'failover' };
    if (this.#connects.take(this.limits.connectsPerSecond, nowMs) === undefined) {
      return { ok: false, connack: 3, reason: '429002 ThrottlingException' };
    }
    return admit(connect, connection.chain, {
      findDevice: (deviceId) => this.registry.device(deviceId),
      isHost: (host) => this.#isHost(host),
      trusted: this.#trusted,
      nowMs: this.#cloudNowMs(),
    });
  }

  #refuse(
    connection: MqttConnection,
    connect: IConnectPacket,
    { connack, reason }: Refused,
    action: FaultAction | undefined,
  ): void {
    const deviceId = parseHubUserName(connect.username ?? '')?.deviceId;
    const who = deviceId === undefined ? {} : { deviceId };
    this.#log.append({ event: 'refused', hub: this.name, ...who, connack, reason });
    if (action?.kind === 'hang' || action?.kind === 'withhold') return;
    if (connack === 0) return connection.destroy();
    connection.write({ cmd: 'connack', returnCode: connack, sessionPresent: false });
    connection.end();
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
      this.#meter.charge(this.limits, body.length, this.clock.nowMs());
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

  /** Ends connections whose token has expired or that have been silent too long. */
  async #watch(): Promise<void> {
    const { signal } = this.#end;
    while (!signal.aborted) {
      await this.clock.sleepMs(SWEEP_MS, signal);
      const nowMs = this.clock.monotonicMs();
      for (const session of this.#sessions) {
        if ((session.expiresMs ?? Infinity) <= this.#cloudNowMs())
          session.end('token_expired', '401003');
        else if (nowMs - session.lastHeardMs > session.silenceMs) session.end('keepalive');
      }
    }
  }

  #cloudNowMs(): number {
    return this.clock.nowMs() + this.faults.clockOffsetMs;
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
