/**
 * The provisioning service itself, without a transport: takes calls of devices, gives deliveries.
 *
 * Order of judgement: fault on demand, id scope, form, throttling, proof, disabled. A registration
 * becomes an operation; registrations of one device are worked on one after the other.
 */
import { randomBytes, randomUUID } from 'node:crypto';
import { errorMessage } from '@holdfast/kit';
import type { Clock } from '@holdfast/kit';
import type { EventLog } from '../event-log.ts';
import type { Fault, Faults } from '../faults.ts';
import type { Json, JsonObject } from '../json.ts';
import type { HubDirectory } from '../ports.ts';
import { deriveDeviceKey } from '../sas.ts';
import { assign, begun } from './assign.ts';
import type { AssignOrder } from './assign.ts';
import { readBody } from './call.ts';
import type { Delivery, DpsCall } from './call.ts';
import { failure, failureOf, wholeSeconds } from './core/answer.ts';
import type { DpsAnswer, RetryAfter } from './core/answer.ts';
import { authenticate } from './core/authentication.ts';
import type { Authentication } from './core/authentication.ts';
import { normalId } from './core/enrolment.ts';
import { Throttle } from './core/limits.ts';
import type { Admission } from './core/limits.ts';
import { Operations } from './core/operations.ts';
import { judge } from './credentials.ts';
import type { Presented } from './credentials.ts';
import type { Enrolments } from './enrolments.ts';
import { renderRegistration } from './registrations.ts';
import type { Registration } from './registrations.ts';
import type { DpsSettings } from './settings.ts';

export interface ServiceParts {
  readonly clock: Clock;
  readonly log: EventLog;
  readonly faults: Faults;
  readonly hubs: HubDirectory;
  readonly enrolments: Enrolments;
  readonly settings: DpsSettings;
}

type Admitted = Extract<Authentication, { ok: true }>;

const POINTS = { register: 'dps_register', poll: 'dps_poll', lookup: 'dps_lookup' } as const;
const EVENTS = { register: 'registration', poll: 'poll', lookup: 'lookup' } as const;

export class DpsService {
  /** By registration id. */
  readonly registrations = new Map<string, Registration>();
  readonly #parts: ServiceParts;
  readonly #throttle: Throttle;
  readonly #operations: Operations<Registration>;
  /** The work in progress of each device. */
  readonly #work = new Map<string, Promise<Registration>>();

  constructor(parts: ServiceParts) {
    this.#parts = parts;
    this.#throttle = new Throttle(parts.settings.limits);
    this.#operations = new Operations(() => parts.settings.operationTtlMs);
  }

  /** The cloud's idea of the time, unix milliseconds. */
  get nowMs(): number {
    return this.#parts.clock.nowMs() + this.#parts.faults.clockOffsetMs;
  }

  hostOf(hub: string): string | undefined {
    return this.#parts.hubs.find(hub)?.host;
  }

  /** Never rejects. */
  async handle(call: DpsCall): Promise<Delivery> {
    const id = normalId(call.registrationId);
    const fault = this.#parts.faults.take(POINTS[call.operation], 'dps', id);
    if (fault !== undefined && fault.delayMs > 0) await this.#parts.clock.sleepMs(fault.delayMs);
    const delivery = await this.#deliver({ ...call, registrationId: id }, fault).catch(broken);
    this.#record(call, id, delivery);
    return delivery;
  }

  /** Who the caller is; for transports that ask before the first call. */
  authenticate(
    idScope: string,
    registrationId: string,
    presented: Presented,
  ): Admitted | { readonly ok: false; readonly reason: string } {
    const { settings, enrolments } = this.#parts;
    if (idScope.toLowerCase() !== settings.idScope.toLowerCase()) {
      return { ok: false, reason: 'unknown_scope' };
    }
    const judged = judge(presented, `${idScope}/registrations/${registrationId}`, this.nowMs);
    const { proof } = judged;
    const input = { registrationId, proof, enrolments: enrolments.all, deriveKey: deriveDeviceKey };
    const authentication = authenticate(input);
    if (authentication.ok && !judged.isTimely()) return { ok: false, reason: 'expired' };
    return authentication;
  }

  /** Resolves when no registration is worked on. */
  async settled(): Promise<void> {
    await Promise.all(this.#work.values());
  }

  async #deliver(call: DpsCall, fault: Fault | undefined): Promise<Delivery> {
    const action = fault?.action ?? { kind: 'pass' };
    switch (action.kind) {
      case 'status': {
        const answer = failureOf(action.status, retryAfterOf(action.retryAfter));
        return {
          kind: 'answer',
          answer,
          ...(action.body === undefined ? {} : { text: action.body }),
        };
      }
      case 'hang':
        return { kind: 'hang' };
      case 'close':
      case 'connack':
        return { kind: 'close' };
      case 'withhold':
        await this.#process(call);
        return { kind: 'hang' };
      case 'process_and_close':
        await this.#process(call);
        return { kind: 'close' };
      case 'body':
        return { kind: 'answer', answer: await this.#process(call), text: action.text };
      case 'pass':
        return { kind: 'answer', answer: await this.#process(call) };
    }
  }

  async #process(call: DpsCall): Promise<DpsAnswer> {
    const { registrationId, idScope } = call;
    if (idScope.toLowerCase() !== this.#parts.settings.idScope.toLowerCase()) {
      return failure('unknown_scope');
    }
    const body = readBody(call);
    if (body === 'too_large') return failure('too_large');
    if (body === 'malformed') return failure('malformed');
    const admission = this.#admit(call);
    if (!admission.ok) return this.#throttled(admission.retryAfterMs);
    const caller = this.authenticate(idScope, registrationId, call.presented);
    if (!caller.ok) {
      const isCertificate = caller.reason === 'wrong_certificate';
      const { reason } = caller;
      return failure(isCertificate ? 'invalid_certificate' : 'unauthorized', { reason });
    }
    if (!caller.enrolment.enabled && this.#parts.settings.disabledAnswer === 'unauthorized') {
      return failure('disabled');
    }
    if (call.operation === 'poll') return this.#poll(registrationId, call.operationId ?? '');
    if (call.operation === 'lookup') return this.#lookup(registrationId, caller);
    return this.#register(call, caller, body['payload']);
  }

  #admit(call: DpsCall): Admission {
    const nowMs = this.#parts.clock.monotonicMs();
    this.#throttle.limits = this.#parts.settings.limits;
    if (call.operation !== 'poll') return this.#throttle.registration(nowMs);
    return this.#throttle.poll(call.registrationId, nowMs);
  }

  #throttled(retryAfterMs: number): DpsAnswer {
    const form = this.#parts.settings.throttleRetryAfter;
    if (form === 'absent') return failure('throttled');
    return failure('throttled', { retryAfter: { form, seconds: wholeSeconds(retryAfterMs) } });
  }

  async #register(call: DpsCall, caller: Admitted, payload: Json | undefined): Promise<DpsAnswer> {
    const { clock, settings } = this.#parts;
    const { registrationId, apiVersion } = call;
    const operationId = `4.${randomBytes(8).toString('hex')}.${randomUUID()}`;
    this.#operations.start(
      operationId,
      registrationId,
      settings.pollsUntilAssigned,
      clock.monotonicMs(),
    );
    const before = this.#work.get(registrationId) ?? Promise.resolve();
    // In a turn of its own: the log tells of the registration before it tells of its end.
    const work = before.then(nextTurn).then(() =>
      this.#assign(operationId, {
        enrolment: caller.enrolment,
        credentials: caller.credentials,
        registrationId,
        apiVersion,
        payload,
        known: this.registrations.get(registrationId),
        allocate: this.#parts.enrolments.functionOf(caller.enrolment),
        nowMs: this.nowMs,
      }),
    );
    this.#work.set(registrationId, work);
    void work.then(() => {
      if (this.#work.get(registrationId) === work) this.#work.delete(registrationId);
    });
    if (settings.answerAtOnce) return this.#finished(operationId, await work);
    return this.#assigning(operationId, {});
  }

  async #assign(operationId: string, order: AssignOrder): Promise<Registration> {
    const { hubs, settings, log } = this.#parts;
    const { registrationId, enrolment } = order;
    this.registrations.set(registrationId, begun(order));
    const registration: Registration = enrolment.enabled
      ? await assign(order, hubs, settings)
      : { ...begun(order), status: 'disabled' };
    this.registrations.set(registrationId, registration);
    this.#operations.finish(operationId, registration);
    const { status, hub, deviceId, substatus } = registration;
    if (status === 'assigned' && hub !== undefined && deviceId !== undefined) {
      const about = { registrationId, operationId, hub, deviceId };
      log.append({
        event: 'assigned',
        ...about,
        ...(substatus === undefined ? {} : { substatus }),
      });
    } else {
      const reason = registration.errorMessage ?? status;
      log.append({ event: 'assignment_failed', registrationId, operationId, reason });
    }
    return registration;
  }

  #poll(registrationId: string, operationId: string): DpsAnswer {
    const nowMs = this.#parts.clock.monotonicMs();
    const polled = this.#operations.poll(operationId, registrationId, nowMs);
    if (polled.kind === 'unknown') return failure('unknown_operation');
    if (polled.kind === 'finished') return this.#finished(operationId, polled.result);
    const registrationState = { registrationId, status: 'assigning' };
    return this.#assigning(operationId, { registrationState });
  }

  #lookup(registrationId: string, caller: Admitted): DpsAnswer {
    const registration = this.registrations.get(registrationId);
    if (registration !== undefined) {
      const status = caller.enrolment.enabled ? registration.status : 'disabled';
      const shown = { ...registration, status };
      return {
        kind: 'ok',
        status: 200,
        body: renderRegistration(shown, (hub) => this.hostOf(hub)),
      };
    }
    if (this.#parts.settings.lookupUnknown === 'not_found') return failure('unknown_registration');
    return { kind: 'ok', status: 200, body: { registrationId, status: 'unassigned' } };
  }

  #assigning(operationId: string, more: JsonObject): DpsAnswer {
    const seconds = this.#parts.settings.retryAfterSeconds;
    return {
      kind: 'ok',
      status: 202,
      body: { operationId, status: 'assigning', ...more },
      operationId,
      retryAfter: { form: 'seconds', seconds },
    };
  }

  #finished(operationId: string, registration: Registration): DpsAnswer {
    const registrationState = renderRegistration(registration, (hub) => this.hostOf(hub));
    const { status } = registration;
    const body = { operationId, status, registrationState };
    return { kind: 'ok', status: 200, operationId, body };
  }

  #record(call: DpsCall, registrationId: string, delivery: Delivery): void {
    const answer = delivery.kind === 'answer' ? delivery.answer : undefined;
    const operationId = answer?.kind === 'ok' ? answer.operationId : call.operationId;
    this.#parts.log.append({
      event: EVENTS[call.operation],
      registrationId,
      transport: call.transport,
      status: answer?.status ?? 0,
      ...(operationId === undefined ? {} : { operationId }),
      ...(answer?.kind === 'failure'
        ? { reason: `${answer.errorCode} ${answer.reason ?? 'on_demand'}` }
        : {}),
    });
  }
}

/** What nobody thought of is an answer, too; the log tells what it was. */
function broken(error: unknown): Delivery {
  return { kind: 'answer', answer: failure('internal', { reason: errorMessage(error) }) };
}

function nextTurn(): Promise<void> {
  return new Promise((resolve) => void setImmediate(resolve));
}

function retryAfterOf(
  given: { readonly seconds: number; readonly as?: 'seconds' | 'date' } | undefined,
): RetryAfter | undefined {
  return given === undefined ? undefined : { form: given.as ?? 'seconds', seconds: given.seconds };
}
