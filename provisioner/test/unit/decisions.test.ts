import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { describe, test } from 'node:test';
import { decideDps, decideHub, decisionTableMarkdown } from '../../src/core/decisions.ts';
import { DPS_ROWS } from '../../src/core/dps-rows.ts';
import { HUB_ROWS } from '../../src/core/hub-rows.ts';
import type { Answer, HubOutcome, Question } from '../../src/core/outcome.ts';
import type { HubCase } from '../../src/core/verdicts.ts';

const MINUTE_MS = 60_000;
const refused = (status: number, retryAfterMs?: number): Answer => ({
  kind: 'refused',
  status,
  retryAfterMs,
  message: '',
});
const ended = (status: 'failed' | 'disabled' | 'unassigned'): Answer => ({
  kind: 'ended',
  status,
  message: '',
});
const unreachable = (code: string): Answer => ({ kind: 'unreachable', code, message: '' });
const assigned: Answer = {
  kind: 'assigned',
  registration: { host: 'h', deviceId: 'd', substatus: '', etag: '', payload: '' },
};
const assigning: Answer = { kind: 'assigning', operationId: 'o' };

/** question, answer, skew of the clock, how long assigning, expected row. */
const DPS_CASES: readonly [Question, Answer, number | undefined, number, string][] = [
  ['register', assigned, 0, 0, 'assigned'],
  ['poll', assigned, 9 * MINUTE_MS, 0, 'assigned'],
  ['lookup', assigned, 0, 0, 'assigned'],
  ['register', assigning, 0, 0, 'assigning'],
  ['poll', assigning, 0, 60 * MINUTE_MS, 'assigning'],
  ['poll', assigning, 0, 61 * MINUTE_MS, 'assigning_too_long'],
  ['register', refused(401), 0, 0, 'key_refused'],
  ['register', refused(401), undefined, 0, 'key_refused'],
  ['register', refused(401), 5 * MINUTE_MS, 0, 'key_refused'],
  ['register', refused(401), 5 * MINUTE_MS + 1, 0, 'clock_differs'],
  ['register', refused(401), -6 * MINUTE_MS, 0, 'clock_differs'],
  ['lookup', refused(401), -6 * MINUTE_MS, 0, 'clock_differs'],
  ['poll', refused(403), 6 * MINUTE_MS, 0, 'clock_differs'],
  ['register', unreachable('CERT_NOT_YET_VALID'), undefined, 0, 'certificate_dates'],
  ['lookup', unreachable('CERT_HAS_EXPIRED'), undefined, 0, 'certificate_dates'],
  ['lookup', refused(401), 0, 0, 'lookup_unknown'],
  ['lookup', refused(403), 0, 0, 'lookup_unknown'],
  ['lookup', refused(404), 0, 0, 'lookup_unknown'],
  ['lookup', ended('unassigned'), 0, 0, 'lookup_unknown'],
  ['lookup', ended('disabled'), 0, 0, 'disabled'],
  ['poll', refused(404), 0, 0, 'operation_lost'],
  ['poll', refused(401), 0, 0, 'key_refused'],
  ['register', refused(403), 0, 0, 'forbidden'],
  ['register', refused(404), 0, 0, 'not_enrolled'],
  ['register', ended('disabled'), 0, 0, 'disabled'],
  ['poll', ended('failed'), 0, 0, 'failed'],
  ['register', ended('unassigned'), 0, 0, 'failed'],
  ['register', refused(429, 0), 0, 0, 'throttled'],
  ['poll', refused(429, 7_000), 0, 0, 'throttled'],
  ['lookup', refused(429, 7_000), 0, 0, 'throttled'],
  ['register', refused(429), 0, 0, 'throttled_without_time'],
  ['register', refused(408), 0, 0, 'dps_busy'],
  ['register', refused(500), 9 * MINUTE_MS, 0, 'dps_busy'],
  ['poll', refused(503, 9_000), 0, 0, 'dps_busy'],
  ['lookup', refused(599), 0, 0, 'dps_busy'],
  ['register', refused(400), 0, 0, 'request_refused'],
  ['register', refused(409), 0, 0, 'request_refused'],
  ['register', refused(302), 0, 0, 'unreadable'],
  ['lookup', { kind: 'unreadable', message: '' }, 0, 0, 'unreadable'],
  ['register', unreachable('ENOTFOUND'), undefined, 0, 'dps_unreachable'],
  ['poll', unreachable('TIMEOUT'), undefined, 0, 'dps_unreachable'],
  ['lookup', unreachable('SELF_SIGNED_CERT_IN_CHAIN'), undefined, 0, 'dps_unreachable'],
];

const hub = (outcome: HubOutcome, more: Partial<HubCase> = {}): HubCase => ({
  outcome,
  refusals: 1,
  drops: 0,
  heldMs: 0,
  kernelClock: 'unknown',
  looked: false,
  hasDps: true,
  ...more,
});

const HUB_CASES: readonly [HubCase, string][] = [
  [hub('ok'), 'hub_connected'],
  [hub('connack_2'), 'hub_refused_once'],
  [hub('connack_4'), 'hub_refused_once'],
  [hub('connack_5', { kernelClock: 'unsynchronised' }), 'hub_refused_once'],
  [hub('connack_5', { hasDps: false }), 'hub_refused_once'],
  [hub('connack_5', { refusals: 2, hasDps: false }), 'hub_refused_fixed'],
  [hub('connack_5', { refusals: 2, kernelClock: 'unsynchronised' }), 'hub_refused_clock_unsure'],
  [hub('connack_5', { refusals: 2, kernelClock: 'unsynchronised', looked: true }), 'hub_refused'],
  [hub('connack_2', { refusals: 2 }), 'hub_refused'],
  [hub('connack_4', { refusals: 7, kernelClock: 'synchronised' }), 'hub_refused'],
  [hub('connack_5', { refusals: 2 }), 'hub_refused'],
  [hub('connack_3', { refusals: 9 }), 'hub_busy'],
  [hub('connack_1'), 'hub_protocol'],
  [hub('dropped', { drops: 2 }), 'hub_throws_out'],
  [hub('dropped', { drops: 1 }), 'hub_unreachable'],
  [hub('network'), 'hub_unreachable'],
  [hub('timeout'), 'hub_unreachable'],
];

describe('the decision table', () => {
  for (const [question, answer, skewMs, assigningMs, row] of DPS_CASES) {
    const words = JSON.stringify(answer);
    test(`${question} ${words} with a skew of ${skewMs} ms is ${row}`, () => {
      assert.equal(
        decideDps({ question, answer, skewMs, assigningMs, assigningLimitMs: 60 * MINUTE_MS }).id,
        row,
      );
    });
  }
  for (const [report, row] of HUB_CASES) {
    test(`hub ${JSON.stringify(report)} is ${row}`, () => {
      assert.equal(decideHub(report).id, row);
    });
  }
  test('every row is reached by a case above', () => {
    const reached = new Set([...DPS_CASES.map((one) => one[4]), ...HUB_CASES.map((one) => one[1])]);
    assert.deepEqual(
      [...DPS_ROWS, ...HUB_ROWS].map(({ id }) => id).filter((id) => !reached.has(id)),
      [],
    );
  });
  test('no hub outcome but a repeated refusal leads to a registration', () => {
    for (const { id, verdict } of HUB_ROWS) {
      const asks = verdict.do === 'ask' && verdict.question === 'register';
      assert.equal(asks, id === 'hub_refused', id);
    }
  });
  test('the README has the table as it is', () => {
    const readme = readFileSync(new URL('../../README.md', import.meta.url), 'utf8');
    assert.ok(readme.includes(decisionTableMarkdown()), decisionTableMarkdown());
  });
});
