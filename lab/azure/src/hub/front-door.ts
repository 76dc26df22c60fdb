/**
 * The connections of a hub: who is let in, one per device, and when silence or an expired token
 * ends one.
 */
import type { X509Certificate } from 'node:crypto';
import type { IConnectPacket } from 'mqtt-packet';
import { RateLimiter } from '../core/limits.ts';
import type { HubLimits, Meter } from '../core/limits.ts';
import { parseHubUserName } from '../core/topics.ts';
import type { EventLog } from '../event-log.ts';
import type { DisconnectReason } from '../events.ts';
import type { FaultAction } from '../faults.ts';
import type { MqttConnection } from '../mqtt-connection.ts';
import { admit } from './admission.ts';
import type { Admitted, Refused } from './admission.ts';
import type { Device } from './device.ts';
import { Session } from './session.ts';
import type { SessionHost } from './session.ts';

export interface FrontDoorParts extends Omit<SessionHost, 'ended' | 'closing'> {
  readonly log: EventLog;
  readonly meter: Meter;
  readonly limits: () => HubLimits;
  readonly findDevice: (deviceId: string) => Device | undefined;
  readonly isHost: (host: string) => boolean;
  readonly trusted: readonly X509Certificate[];
  readonly forgetSubscriptions: boolean;
}

/** How often keepalive and token expiry are looked at. */
const SWEEP_MS = 200;

export class FrontDoor implements SessionHost {
  /** Nobody is let in, nor answered. */
  isDown = false;
  /** CONNECT is answered with 3 until then, monotonic. */
  failoverEndsMs = Number.NEGATIVE_INFINITY;
  readonly name: string;
  readonly clock: SessionHost['clock'];
  readonly faults: SessionHost['faults'];
  readonly telemetry: SessionHost['telemetry'];
  readonly twins: SessionHost['twins'];
  readonly methods: SessionHost['methods'];
  readonly cloudToDevice: SessionHost['cloudToDevice'];
  readonly #parts: FrontDoorParts;
  readonly #connects = new RateLimiter();
  readonly #sessions = new Set<Session>();
  readonly #end = new AbortController();

  constructor(parts: FrontDoorParts) {
    this.#parts = parts;
    this.name = parts.name;
    this.clock = parts.clock;
    this.faults = parts.faults;
    this.telemetry = parts.telemetry;
    this.twins = parts.twins;
    this.methods = parts.methods;
    this.cloudToDevice = parts.cloudToDevice;
    void this.#watch();
  }

  get closing(): AbortSignal {
    return this.#end.signal;
  }

  /** Connections there are. */
  get connected(): number {
    return this.#sessions.size;
  }

  /** Ends the connection of one device, or all. */
  endSessions(reason: DisconnectReason, deviceId?: string): void {
    for (const session of this.#sessions) {
      if (deviceId === undefined || session.device.id === deviceId) session.end(reason);
    }
  }

  close(): void {
    this.#end.abort();
  }

  accept(connection: MqttConnection, connect: IConnectPacket): void {
    const fault = this.faults.take('hub_connect', this.name, connect.clientId);
    const judge = () => {
      if (!connection.closed && !this.closing.aborted)
        this.#judge(connection, connect, fault?.action);
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
    const more = detail === undefined ? {} : { detail };
    const event = { event: 'disconnected', hub: this.name, deviceId: device.id, reason } as const;
    this.#parts.log.append({ ...event, ...more });
  }

  #judge(
    connection: MqttConnection,
    connect: IConnectPacket,
    action: FaultAction | undefined,
  ): void {
    const verdict = this.#verdict(connection, connect, action);
    if (verdict.ok) this.#letIn(connection, connect, verdict, action);
    else this.#refuse(connection, connect, verdict, action);
  }

  #verdict(
    connection: MqttConnection,
    connect: IConnectPacket,
    action: FaultAction | undefined,
  ): Admitted | Refused {
    if (this.isDown) return { ok: false, connack: 0, reason: 'hub is down' };
    if (action?.kind === 'connack') return { ok: false, connack: action.code, reason: 'fault' };
    if (action?.kind === 'hang' || action?.kind === 'close' || action?.kind === 'withhold') {
      return { ok: false, connack: 0, reason: `fault ${action.kind}` };
    }
    const nowMs = this.clock.monotonicMs();
    if (nowMs < this.failoverEndsMs) return { ok: false, connack: 3, reason: 'failover' };
    if (this.#connects.take(this.#parts.limits().connectsPerSecond, nowMs) === undefined) {
      return { ok: false, connack: 3, reason: '429002 ThrottlingException' };
    }
    const { findDevice, isHost, trusted } = this.#parts;
    const rules = { findDevice, isHost, trusted, nowMs: this.#cloudNowMs() };
    return admit(connect, () => connection.chain, rules);
  }

  #letIn(
    connection: MqttConnection,
    connect: IConnectPacket,
    grant: Admitted,
    action: FaultAction | undefined,
  ): void {
    const { log, meter, limits, forgetSubscriptions } = this.#parts;
    const { device } = grant;
    device.session?.end('replaced', '400027');
    const session = new Session(this, connection, connect, grant);
    if (session.clean || forgetSubscriptions) device.subscriptions.clear();
    device.session = session;
    this.#sessions.add(session);
    const sessionPresent = device.subscriptions.size > 0;
    session.start(sessionPresent);
    log.append({
      event: 'connected',
      hub: this.name,
      deviceId: device.id,
      attestation: grant.attestation,
      apiVersion: grant.userName.apiVersion,
      clean: session.clean,
      sessionPresent,
      keepaliveSeconds: connect.keepalive ?? 0,
      ...(session.expiresMs === undefined ? {} : { expiresMs: session.expiresMs }),
    });
    if (action?.kind === 'process_and_close') return session.end('fault', 'after CONNACK', true);
    // The day's messages are used up: let in, then shown the door without a reason.
    if (meter.exhausted(limits(), this.clock.nowMs())) return session.end('quota', '403002', true);
    this.cloudToDevice.deliver(device);
    if (device.listens('methods')) this.methods.arrived(device);
  }

  #refuse(
    connection: MqttConnection,
    connect: IConnectPacket,
    { connack, reason }: Refused,
    action: FaultAction | undefined,
  ): void {
    const deviceId = parseHubUserName(connect.username ?? '')?.deviceId;
    const who = deviceId === undefined ? {} : { deviceId };
    this.#parts.log.append({ event: 'refused', hub: this.name, ...who, connack, reason });
    if (action?.kind === 'hang' || action?.kind === 'withhold') return;
    if (connack === 0) return connection.destroy();
    connection.write({ cmd: 'connack', returnCode: connack, sessionPresent: false });
    connection.end();
  }

  async #watch(): Promise<void> {
    const { signal } = this.#end;
    while (!signal.aborted) {
      await this.clock.sleepMs(SWEEP_MS, signal);
      const nowMs = this.clock.monotonicMs();
      const cloudNowMs = this.#cloudNowMs();
      for (const session of this.#sessions) {
        if (session.expiresMs !== undefined && session.expiresMs <= cloudNowMs) {
          session.end('token_expired', '401003');
        } else if (nowMs - session.lastHeardMs > session.silenceMs) session.end('keepalive');
      }
    }
  }

  #cloudNowMs(): number {
    return this.clock.nowMs() + this.faults.clockOffsetMs;
  }
}
