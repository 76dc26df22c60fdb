/** A device's requests about its twin: read, and patch of the reported properties. */
import type { Clock } from '@holdfast/kit';
import { RateLimiter } from '../core/limits.ts';
import type { HubLimits, Meter } from '../core/limits.ts';
import { merged, patchFault, twinForDevice } from '../core/twin.ts';
import { twinAnswerTopic } from '../core/topics.ts';
import type { EventLog } from '../event-log.ts';
import type { FaultAction } from '../faults.ts';
import { isJsonObject, parseJson } from '../json.ts';
import type { Device } from './device.ts';

export interface TwinAnswer {
  readonly topic: string;
  readonly body: Buffer;
}

export interface TwinParts {
  readonly hub: string;
  readonly clock: Clock;
  readonly log: EventLog;
  readonly meter: Meter;
  readonly limits: () => HubLimits;
}

export class Twins {
  readonly #parts: TwinParts;
  readonly #reads = new RateLimiter();
  readonly #updates = new RateLimiter();

  constructor(parts: TwinParts) {
    this.#parts = parts;
  }

  read(device: Device, requestId: string): TwinAnswer {
    const { limits, clock } = this.#parts;
    if (this.#reads.take(limits().twinReadsPerSecond, clock.monotonicMs()) === undefined) {
      return this.#refusal('twin_read', device, requestId, 429, 'ThrottlingException');
    }
    const body = Buffer.from(JSON.stringify(twinForDevice(device.twin)));
    this.#record('twin_read', device, 200, body.length);
    return { topic: twinAnswerTopic(200, requestId), body };
  }

  report(device: Device, requestId: string, patch: Buffer): TwinAnswer {
    const { limits, clock } = this.#parts;
    if (this.#updates.take(limits().twinUpdatesPerSecond, clock.monotonicMs()) === undefined) {
      return this.#refusal('twin_reported', device, requestId, 429, 'ThrottlingException');
    }
    const properties = parseJson(patch.toString());
    const fault = patchFault(device.twin.reported, properties);
    if (fault !== undefined || !isJsonObject(properties)) {
      return this.#refusal('twin_reported', device, requestId, 400, `InvalidPatch: ${fault}`);
    }
    const version = device.twin.reportedVersion + 1;
    const reported = merged(device.twin.reported, properties);
    device.twin = { ...device.twin, reported, reportedVersion: version };
    this.#record('twin_reported', device, 204, patch.length);
    return {
      topic: twinAnswerTopic(204, requestId, `$version=${version}`),
      body: Buffer.alloc(0),
    };
  }

  /** The answer a fault rule wants. */
  faulty(
    event: 'twin_read' | 'twin_reported',
    device: Device,
    requestId: string,
    action: Extract<FaultAction, { readonly kind: 'status' | 'body' }>,
  ): TwinAnswer {
    if (action.kind === 'body') {
      this.#record(event, device, 200, 0);
      return { topic: twinAnswerTopic(200, requestId), body: Buffer.from(action.text) };
    }
    const answer = this.#refusal(event, device, requestId, action.status, 'fault');
    const { retryAfter, body } = action;
    const seconds = retryAfter === undefined ? [] : [`retry-after=${retryAfter.seconds}`];
    return {
      topic: twinAnswerTopic(action.status, requestId, ...seconds),
      body: body === undefined ? answer.body : Buffer.from(body),
    };
  }

  /** What Azure puts into the body of a refusal is not documented; the SDK reads `errorCode`. */
  #refusal(
    event: 'twin_read' | 'twin_reported',
    device: Device,
    requestId: string,
    status: number,
    message: string,
  ): TwinAnswer {
    this.#record(event, device, status, 0);
    const timestampUtc = new Date(this.#parts.clock.nowMs()).toISOString();
    const trackingId = `${this.#parts.hub}-${device.id}-${requestId}`;
    const body = { errorCode: status * 1000 + 1, trackingId, message, timestampUtc };
    return { topic: twinAnswerTopic(status, requestId), body: Buffer.from(JSON.stringify(body)) };
  }

  #record(
    event: 'twin_read' | 'twin_reported',
    device: Device,
    status: number,
    bytes: number,
  ): void {
    const { hub, log, meter, limits, clock } = this.#parts;
    if (status < 300) meter.charge(limits(), bytes, clock.nowMs());
    log.append({ event, hub, deviceId: device.id, status });
  }
}
