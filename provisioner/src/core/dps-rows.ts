/** The rows of the decision table for DPS and its status lookup: see decisions.ts. */
import { CLOCK_TOLERANCE_MS } from './verdicts.ts';
import type { DpsCase, DpsRow, DpsVerdict, Pause, Wait } from './verdicts.ts';

const status = (c: DpsCase) => (c.answer.kind === 'refused' ? c.answer.status : 0);
const retryAfter = (c: DpsCase) =>
  c.answer.kind === 'refused' ? c.answer.retryAfterMs : undefined;
const isClockOff = (c: DpsCase) => Math.abs(c.skewMs ?? 0) > CLOCK_TOLERANCE_MS;
const ended = (c: DpsCase) => (c.answer.kind === 'ended' ? c.answer.status : '');
/** OpenSSL's verdicts on the dates of a certificate. */
const DATE_CODES = new Set(['CERT_NOT_YET_VALID', 'CERT_HAS_EXPIRED']);

const ask = (question: 'register' | 'lookup' | 'same', pause: Pause, wait: Wait): DpsVerdict => ({
  do: 'ask',
  question,
  pause,
  wait,
});

export const DPS_ROWS: readonly DpsRow[] = [
  {
    id: 'assigned',
    outcome: 'assigned, by a registration, a poll or a lookup',
    means: 'the device has a hub',
    action: 'store it, sign a token, hand both to the mqtthandler',
    fits: (c) => c.answer.kind === 'assigned',
    verdict: { do: 'adopt' },
  },
  {
    id: 'assigning_too_long',
    outcome: 'still assigning after `DPS_ASSIGNING_MINUTES`',
    means: 'the operation is stuck',
    action: 'register anew after the exponential wait',
    fits: (c) => c.answer.kind === 'assigning' && c.assigningMs > c.assigningLimitMs,
    verdict: ask('register', 'waiting', 'busy'),
  },
  {
    id: 'assigning',
    outcome: 'assigning (202)',
    means: 'accepted; state may be moving between hubs',
    action: 'poll after Retry-After, at least 2 s; 3 s without one',
    fits: (c) => c.answer.kind === 'assigning',
    verdict: { do: 'poll', wait: 'poll' },
  },
  {
    id: 'clock_differs',
    outcome: '401 or 403, and the `Date` of the answer is over 5 minutes from the time signed with',
    means: "the device's clock is wrong, not the key",
    action:
      "ask the same again, signed by the server's clock, after the shortest time between registrations",
    fits: (c) => [401, 403].includes(status(c)) && isClockOff(c),
    verdict: ask('same', 'clock_wrong', 'interval'),
  },
  {
    id: 'certificate_dates',
    outcome: 'TLS: the certificate is not valid yet, or no longer',
    means: 'a clock that is far off, or in rare cases a certificate that is',
    action: 'ask the same again when the clock has been set, else after the exponential wait',
    fits: (c) => c.answer.kind === 'unreachable' && DATE_CODES.has(c.answer.code),
    verdict: ask('same', 'clock_wrong', 'busy'),
  },
  {
    id: 'lookup_unknown',
    outcome: 'lookup: 401, 403, 404 or `unassigned`',
    means: 'DPS does not know this registration any more',
    action: 'full registration, after the shortest time between registrations',
    fits: (c) =>
      c.question === 'lookup' && ([401, 403, 404].includes(status(c)) || ended(c) === 'unassigned'),
    verdict: ask('register', 'waiting', 'interval'),
  },
  {
    id: 'operation_lost',
    outcome: 'poll: 404',
    means: 'DPS has forgotten the operation',
    action: 'register anew after the exponential wait',
    fits: (c) => c.question === 'poll' && status(c) === 404,
    verdict: ask('register', 'waiting', 'busy'),
  },
  {
    id: 'key_refused',
    outcome: '401',
    means: 'wrong key or certificate',
    action: 'blocked: slow retry, or at once on request or with changed settings',
    fits: (c) => status(c) === 401,
    verdict: ask('register', 'blocked', 'refused'),
  },
  {
    id: 'forbidden',
    outcome: '403',
    means: 'not allowed: enrolment disabled, too many devices, address filter',
    action: 'blocked, as above',
    fits: (c) => status(c) === 403,
    verdict: ask('register', 'blocked', 'refused'),
  },
  {
    id: 'not_enrolled',
    outcome: '404',
    means: 'no such enrolment or id scope',
    action: 'blocked, as above',
    fits: (c) => status(c) === 404,
    verdict: ask('register', 'blocked', 'refused'),
  },
  {
    id: 'disabled',
    outcome: '`disabled`',
    means: 'somebody has switched the device off in DPS',
    action: 'blocked, as above; a hub connection that works is left alone',
    fits: (c) => ended(c) === 'disabled',
    verdict: ask('register', 'blocked', 'refused'),
  },
  {
    id: 'failed',
    outcome: '`failed` or `unassigned`',
    means: 'DPS could not find a hub; a custom allocation has failed',
    action: 'blocked, as above',
    fits: (c) => c.answer.kind === 'ended',
    verdict: ask('register', 'blocked', 'refused'),
  },
  {
    id: 'throttled',
    outcome: '429 with Retry-After',
    means: 'too many devices at a time',
    action:
      'the same again after Retry-After, never earlier, whoever asks; under a second as without',
    fits: (c) => status(c) === 429 && retryAfter(c) !== undefined,
    verdict: ask('same', 'waiting', 'retry_after'),
  },
  {
    id: 'throttled_without_time',
    outcome: '429 without Retry-After',
    means: 'the same',
    action: 'the same again after the fleet formula, doubled by every further 429',
    fits: (c) => status(c) === 429,
    verdict: ask('same', 'waiting', 'fleet'),
  },
  {
    id: 'dps_busy',
    outcome: '5xx or 408',
    means: 'DPS has trouble of its own',
    action:
      'the same again, exponential from 5 s, not before Retry-After; the cached assignment stays in use',
    fits: (c) => status(c) >= 500 || status(c) === 408,
    verdict: ask('same', 'waiting', 'busy'),
  },
  {
    id: 'request_refused',
    outcome: 'any other status from 400',
    means: 'DPS does not like the request itself',
    action: 'blocked, as above',
    fits: (c) => status(c) >= 400,
    verdict: ask('register', 'blocked', 'refused'),
  },
  {
    id: 'unreadable',
    outcome: 'an answer that is not one of DPS (redirect, web page)',
    means: 'something stands in between: a proxy, a portal',
    action: 'the same again, exponential from 5 s',
    fits: (c) => c.answer.kind === 'unreadable' || status(c) >= 300,
    verdict: ask('same', 'waiting', 'busy'),
  },
  {
    id: 'dps_unreachable',
    outcome: 'no answer: name, route, TLS, 30 s',
    means: 'no network, or DPS is away',
    action: 'the same again, exponential from 5 s; the cached assignment stays in use',
    fits: () => true,
    verdict: ask('same', 'waiting', 'busy'),
  },
];
