/**
 * Whether what was read back is a memory of ours (`memory` of `provisioning:state`). One part that is
 * not makes all of it worthless: a service that went on from it would end at every start.
 */
import type { Memory } from './start.ts';
import type { DpsPart } from './state.ts';

type Json = Readonly<Record<string, unknown>>;
type Check = (value: unknown) => boolean;

const isNumber: Check = (value) => Number.isFinite(value);
const isText: Check = (value) => typeof value === 'string';
const isFlag: Check = (value) => typeof value === 'boolean';
const isQuestion: Check = (value) => value === 'register' || value === 'lookup';
const isDeadline: Check = (value) => has(value, { atMs: isNumber, waitMs: isNumber });
const isRequests: Check = (value) => has(value, { count: isNumber, lastMs: isNumber });
const isHold: Check = (value) =>
  has(value, { untilMs: isNumber, failures: isNumber, report: isText });

/** JSON leaves out what is undefined. */
const maybe =
  (check: Check): Check =>
  (value) =>
    value === undefined || check(value);

const WHY = { cause: isText, reason: isText };
const PAUSE = { ...WHY, question: isQuestion, due: isDeadline };
const ASKED = { ...WHY, retry: isDeadline };
const ASSIGNING = {
  ...WHY,
  operationId: isText,
  due: isDeadline,
  asking: isFlag,
  sinceMs: isNumber,
};

const DPS_PARTS: Readonly<Record<DpsPart['name'], Readonly<Record<string, Check>>>> = {
  idle: {},
  waiting: PAUSE,
  blocked: PAUSE,
  clock_wrong: PAUSE,
  registering: ASKED,
  looking_up: ASKED,
  assigning: ASSIGNING,
};

const isDps: Check = (value) =>
  Object.entries(DPS_PARTS).some(([name, checks]) =>
    has(value, { name: (found) => found === name, ...checks }),
  );

const MEMORY: Readonly<Record<keyof Memory, Check>> = {
  generation: isNumber,
  settings: isText,
  dps: isDps,
  window: maybe(isDeadline),
  looked: isFlag,
  hold: maybe(isHold),
  failures: isNumber,
  heldUntilMs: maybe(isNumber),
  fruitless: isNumber,
  askedAtMs: maybe(isNumber),
  requests: maybe(isRequests),
  lastError: isText,
  sinceWallMs: isNumber,
  told: isText,
};

export function isMemory(value: unknown): value is Memory {
  return has(value, MEMORY);
}

function has(value: unknown, checks: Readonly<Record<string, Check>>): boolean {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return false;
  return Object.entries(checks).every(([name, check]) => check((value as Json)[name]));
}
