/** Weeks of simulated time with a cloud, a hub, a clock and people that do what they like. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Random } from '@holdfast/kit';
import { seededRandom } from '@holdfast/kit/testing';
import type { Answer, DpsOutcome, HubOutcome, Question } from '../../src/core/outcome.ts';
import { DAY_MS, HOUR_MS, MINUTE_MS, RULES, START } from '../fakes/rules.ts';
import { World, toA, toB } from '../fakes/world.ts';

const SEEDS = Number(process.env['CHAOS_SEEDS'] ?? 6);
const DAYS = 7;

function pick<T>(random: Random, ...choices: readonly T[]): T {
  return choices[Math.floor(random.next() * choices.length)] as T;
}

/** Moods last for a while: real faults do. */
class Mood<T> {
  #untilMs = 0;
  #value: T | undefined;
  readonly #random: Random;
  readonly #choices: readonly T[];

  constructor(random: Random, choices: readonly T[]) {
    this.#random = random;
    this.#choices = choices;
  }

  at(nowMs: number): T {
    if (nowMs >= this.#untilMs || this.#value === undefined) {
      this.#untilMs = nowMs + this.#random.next() * 3 * HOUR_MS;
      this.#value = pick(this.#random, ...this.#choices);
    }
    return this.#value;
  }
}

const DPS_MOODS = [
  'well',
  'well',
  'well',
  'other hub',
  'throttled',
  'throttled silently',
  'busy',
  'busy with time',
  'away',
  'disabled',
  'failed',
  'wrong key',
  'slow',
  'forgetful',
  'unknown',
  'dates',
  'page',
] as const;
const HUB_MOODS: readonly HubOutcome[] = [
  'ok',
  'ok',
  'ok',
  'network',
  'timeout',
  'connack_3',
  'connack_5',
  'connack_2',
  'connack_1',
  'dropped',
];

interface Held {
  readonly fromMs: number;
  readonly untilMs: number;
}

function moody(random: Random, held: Held[]): (question: Question, world: World) => DpsOutcome {
  const mood = new Mood(random, DPS_MOODS);
  const refuse = (status: number, w: World, retryAfterMs?: number): Answer => {
    const fromMs = w.now.monotonicMs;
    if (retryAfterMs !== undefined) held.push({ fromMs, untilMs: fromMs + retryAfterMs });
    return { kind: 'refused', status, retryAfterMs, message: String(status) };
  };
  return (question, w) => {
    const answerOf = (): Answer => {
      switch (mood.at(w.now.monotonicMs)) {
        case 'well':
          return toA;
        case 'other hub':
          return toB;
        case 'throttled':
          return refuse(429, w, random.next() * HOUR_MS);
        case 'throttled silently':
          return refuse(429, w);
        case 'busy':
          return refuse(pick(random, 500, 502, 503, 408), w);
        case 'busy with time':
          return refuse(503, w, random.next() * 10 * MINUTE_MS);
        case 'away':
          return { kind: 'unreachable', code: 'ETIMEDOUT', message: '' };
        case 'disabled':
          return { kind: 'ended', status: 'disabled', message: '' };
        case 'failed':
          return { kind: 'ended', status: 'failed', message: '' };
        case 'wrong key':
          return refuse(401, w);
        case 'slow':
          return { kind: 'assigning', operationId: 'op', retryAfterMs: 20_000 };
        case 'forgetful':
          return question === 'poll' ? refuse(404, w) : { kind: 'assigning', operationId: 'op' };
        case 'unknown':
          return question === 'lookup' ? { kind: 'ended', status: 'unassigned', message: '' } : toA;
        case 'dates':
          return { kind: 'unreachable', code: 'CERT_NOT_YET_VALID', message: '' };
        case 'page':
          return { kind: 'unreadable', message: '<html>' };
      }
    };
    const answer = answerOf();
    const hasDate = answer.kind !== 'unreachable';
    return { question, answer, ...(hasDate ? { serverMs: START.wallMs + w.now.monotonicMs } : {}) };
  };
}

/** One thing that happens to a device. */
function disturb(w: World, random: Random, jumps: boolean): void {
  switch (
    pick(random, 'request', 'restart', 'restart', 'reboot', 'drop', 'jump', 'storm', 'nothing')
  ) {
    case 'request':
      return w.request(pick(random, 'button', 'command', 'dashboard'));
    case 'restart':
      return checkedRestart(w, () => w.restart(random.next() * 10_000));
    case 'reboot':
      // A wall clock that was set just before a reboot is the one thing nothing can be done about.
      return jumps ? undefined : checkedRestart(w, () => w.reboot(random.next() * 100_000));
    case 'drop':
      return w.dropConnection(pick(random, 'network', 'dropped', 'timeout'));
    case 'jump':
      return jumps ? w.jumpWall((random.next() - 0.5) * 4 * HOUR_MS) : undefined;
    case 'storm':
      for (let i = 0; i < 20; i += 1) {
        checkedRestart(w, () => w.restart(random.next() * 2_000));
        if (i % 3 === 0) w.request();
      }
      return;
    case 'nothing':
      return;
  }
}

/** A restart never shortens what was waited for. */
function checkedRestart(w: World, restart: () => void): void {
  const { dps } = w.state;
  const asked = w.asked.length;
  const dueMs = 'due' in dps ? dps.due.atMs : 'retry' in dps ? dps.retry.atMs : undefined;
  restart();
  const after = w.state.dps;
  if (dueMs === undefined || w.now.monotonicMs >= dueMs) return;
  assert.equal(w.asked.length, asked, 'asked because of a restart');
  const dueAfterMs = 'due' in after ? after.due.atMs : Infinity;
  assert.ok(dueAfterMs >= dueMs - 1, `${dps.name}: ${dueAfterMs} is before ${dueMs}`);
}

function assertRules(w: World, held: readonly Held[]): void {
  const opening = w.asked.filter(({ question }) => question !== 'poll');
  for (const { fromMs, untilMs } of held) {
    const early = w.asked.find(({ atMs }) => atMs > fromMs && atMs < untilMs - 1);
    assert.equal(early, undefined, `asked ${early?.atMs} while held from ${fromMs} to ${untilMs}`);
  }
  opening.forEach(({ atMs, reason, question }, i) => {
    const before = opening[i - 1]?.atMs ?? -Infinity;
    assert.ok(
      atMs - before >= 1_000,
      `${question} for ${reason} ${atMs - before} ms after another`,
    );
    const hourly = opening.filter((other) => other.atMs > atMs - HOUR_MS && other.atMs <= atMs);
    assert.ok(hourly.length <= 60, `${hourly.length} in an hour`);
  });
  const perDay = opening.length / DAYS;
  assert.ok(perDay < 250, `${perDay} a day`);
}

const reached = new Set<string>();

for (let seed = 1; seed <= SEEDS; seed += 1) {
  test(`${DAYS} days of chaos keep the rules and end in a connection (seed ${seed})`, () => {
    const random = seededRandom(seed);
    const held: Held[] = [];
    const kind = seed % 3 === 0 ? ('x509' as const) : ('sas' as const);
    const rules = { ...RULES, kind, keepsAssignment: seed % 4 !== 0, canLookUp: seed % 5 !== 0 };
    const w = new World(rules, START, random, moody(random, held));
    const hubMood = new Mood(random, HUB_MOODS);
    const clockMood = new Mood(random, ['unknown', 'synchronised', 'unsynchronised'] as const);
    w.hub = () => hubMood.at(w.now.monotonicMs);
    w.start();
    while (w.now.monotonicMs < START.monotonicMs + DAYS * DAY_MS) {
      w.run(random.next() * 2 * HOUR_MS);
      w.kernelClock = clockMood.at(w.now.monotonicMs);
      disturb(w, random, seed % 2 === 0);
    }
    assertRules(w, held);
    for (const name of w.states) reached.add(name);
    // Everything is well again: the longest waits are an hour and a half.
    w.dps = () => toA;
    w.hub = () => 'ok';
    w.run(4 * HOUR_MS);
    assert.equal(w.connected, true);
    const asked = w.asked.length;
    w.run(DAY_MS);
    assert.equal(w.asked.length, asked, 'asks though all is well');
    w.states.clear();
    w.run(DAY_MS);
  });
}

test('in all that every state was reached', () => {
  assert.deepEqual([...reached].toSorted(), [
    'assigned',
    'assigning',
    'blocked',
    'clock_wrong',
    'connected',
    'hub_failing',
    'hub_refused',
    'looking_up',
    'registering',
    'waiting',
  ]);
});
