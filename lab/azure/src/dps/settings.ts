/** How a DPS instance behaves. Everything may be changed while it runs. */
import { AZURE_LIMITS } from './core/limits.ts';
import type { DpsLimits } from './core/limits.ts';
import type { LatencyTable } from './core/allocation.ts';
import type { AllocationKind } from './core/enrolment.ts';

export interface DpsSettings {
  /** First part of every path and user name. */
  idScope: string;
  limits: DpsLimits;
  /** How true throttling words its Retry-After; faults have their own. */
  throttleRetryAfter: 'seconds' | 'date' | 'absent';
  /** Retry-After of an "assigning" answer, whole seconds. The real service says 3. */
  retryAfterSeconds: number;
  /** How many polls are answered "assigning" before the result, however quick the work was. */
  pollsUntilAssigned: number;
  /** Answers a registration with its result, without any poll: for speed, not like the real one. */
  answerAtOnce: boolean;
  /** An operation is unknown after this time. */
  operationTtlMs: number;
  /** What a device of a disabled enrolment gets: a result of status `disabled`, or 401. */
  disabledAnswer: 'status' | 'unauthorized';
  /** What the lookup of a device that never registered gets: 404, or 200 with `unassigned`. */
  lookupUnknown: 'not_found' | 'unassigned';
  /** Allocation of new enrolments that name none. */
  defaultAllocation: AllocationKind;
  /** For hashed allocation, by hub name; a hub that is not listed has weight 1. */
  weights: Readonly<Record<string, number>>;
  /** For geoLatency allocation, by hub name, milliseconds. */
  latencyMs: LatencyTable;
  /** Hub by registration id, for devices an operator moved: beats every kind of allocation. */
  pins: Readonly<Record<string, string>>;
  /** A webhook that has not answered by then has failed. */
  webhookTimeoutMs: number;
}

export const DEFAULT_SETTINGS: Readonly<DpsSettings> = {
  idScope: '0ne00000ABC',
  limits: AZURE_LIMITS,
  throttleRetryAfter: 'seconds',
  retryAfterSeconds: 3,
  pollsUntilAssigned: 0,
  answerAtOnce: false,
  operationTtlMs: 600_000,
  disabledAnswer: 'status',
  lookupUnknown: 'not_found',
  defaultAllocation: 'hashed',
  weights: {},
  latencyMs: {},
  pins: {},
  webhookTimeoutMs: 10_000,
};
