/** Direct methods: request and answer over topics, with the time limits of the service API. */
import type { Clock } from '@holdfast/kit';
import { methodTopic } from '../core/topics.ts';
import type { EventLog } from '../event-log.ts';
import { parseJson } from '../json.ts';
import type { Json } from '../json.ts';
import { HubError } from '../ports.ts';
import type { Device } from './device.ts';

export interface MethodOptions {
  /** For the device's answer; default 30 s, Azure takes 5 to 300. */
  readonly responseTimeoutSeconds?: number;
  /** For a device that is not connected; default 0 = refuse at once. */
  readonly connectTimeoutSeconds?: number;
}

export interface MethodAnswer {
  readonly status: number;
  /** Null when the device answered with nothing or with no JSON. */
  readonly payload: Json;
}

const MAX_BYTES = 131_072;
const RESPONSE_TIMEOUT_SECONDS = 30;

interface Call {
  readonly device: Device;
  readonly answer: (answer: MethodAnswer) => void;
}

export class Methods {
  readonly #hub: string;
  readonly #clock: Clock;
  readonly #log: EventLog;
  readonly #calls = new Map<string, Call>();
  readonly #arrivals = new Set<(device: Device) => void>();
  /** Of every wait there is. */
  readonly #stops = new Set<AbortController>();
  readonly #charge: (bytes: number) => void;
  #lastId = 0;

  /** @param charge counts request and answer in metering blocks */
  constructor(hub: string, clock: Clock, log: EventLog, charge: (bytes: number) => void) {
    this.#hub = hub;
    this.#charge = charge;
    this.#clock = clock;
    this.#log = log;
  }

  /** @throws HubError 404103 not connected or not listening, 504101 no answer, 413001 above 128 KB */
  async invoke(
    device: Device,
    method: string,
    payload: Json | undefined,
    options: MethodOptions,
  ): Promise<MethodAnswer> {
    const body = payload === undefined ? '' : JSON.stringify(payload);
    if (Buffer.byteLength(body) > MAX_BYTES) throw new HubError(413001, 'MessageTooLarge');
    const record = (event: 'method_called' | 'method_answered', status?: number) =>
      this.#log.append({
        event,
        hub: this.#hub,
        deviceId: device.id,
        method,
        ...(status === undefined ? {} : { status }),
      });
    record('method_called');
    if (!(await this.#untilListening(device, (options.connectTimeoutSeconds ?? 0) * 1000))) {
      record('method_answered', 404);
      throw new HubError(404103, 'DeviceNotOnline');
    }
    const answer = await this.#call(device, method, body, options);
    record('method_answered', answer?.status ?? 504);
    if (answer === undefined) throw new HubError(504101, 'GatewayTimeout');
    return answer;
  }

  /** A device's answer; one that comes too late is ignored. */
  answered(device: Device, requestId: string, status: number, body: Buffer): void {
    const call = this.#calls.get(requestId);
    if (call?.device !== device) return;
    this.#charge(body.length);
    call.answer({ status, payload: parseJson(body.toString()) ?? null });
  }

  /** A device began to listen. */
  arrived(device: Device): void {
    for (const arrival of this.#arrivals) arrival(device);
  }

  /** Ends every wait. */
  close(): void {
    for (const stop of this.#stops) stop.abort();
  }

  async #call(
    device: Device,
    method: string,
    body: string,
    options: MethodOptions,
  ): Promise<MethodAnswer | undefined> {
    this.#lastId += 1;
    const requestId = this.#lastId.toString(16);
    const limitMs = (options.responseTimeoutSeconds ?? RESPONSE_TIMEOUT_SECONDS) * 1000;
    const answer = await this.#within<MethodAnswer>(limitMs, (resolve) => {
      this.#calls.set(requestId, { device, answer: resolve });
      this.#charge(body.length);
      device.session?.publish(methodTopic(method, requestId), Buffer.from(body), 0);
    });
    this.#calls.delete(requestId);
    return answer;
  }

  async #untilListening(device: Device, limitMs: number): Promise<boolean> {
    if (device.listens('methods')) return true;
    if (limitMs <= 0) return false;
    let arrival: (arrived: Device) => void = () => {};
    const came = await this.#within<true>(limitMs, (resolve) => {
      arrival = (arrived) => arrived === device && resolve(true);
      this.#arrivals.add(arrival);
    });
    this.#arrivals.delete(arrival);
    return came === true;
  }

  /** What `begin` resolves with, or undefined after the time limit or at the end of the hub. */
  async #within<T>(
    limitMs: number,
    begin: (resolve: (value: T) => void) => void,
  ): Promise<T | undefined> {
    const stop = new AbortController();
    this.#stops.add(stop);
    const result = new Promise<T>((resolve) => begin(resolve));
    const limit = this.#clock.sleepMs(limitMs, stop.signal).then(() => undefined);
    try {
      return await Promise.race([result, limit]);
    } finally {
      this.#stops.delete(stop);
      stop.abort();
    }
  }
}
