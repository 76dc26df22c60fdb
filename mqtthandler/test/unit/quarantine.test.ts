/** A model of a destination that chokes on some readings, over a link that breaks now and then. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { seededRandom } from '@holdfast/kit/testing';
import {
  MAX_PROBES,
  WATCHING,
  nextSuspect,
  quarantineStep,
  wantsProbe,
} from '../../src/core/quarantine.ts';
import type { QuarantineEvent, QuarantineState } from '../../src/core/quarantine.ts';

const id = (n: number) => `${n}-0`;
const stretch = (first: number, last: number) => ({
  after: id(first - 1),
  upTo: id(last),
  count: last - first + 1,
});
const number = (text: string) => Number(text.split('-')[0]);

class Model {
  readonly condemned: number[] = [];
  readonly delivered = new Set<number>();
  sessions = 0;
  readonly #poison: ReadonlySet<number>;
  readonly #random;
  readonly #breaks: number;
  #state: QuarantineState = WATCHING;
  #nextFree: number;

  constructor(options: {
    seed: number;
    poison: readonly number[];
    breaks: number;
    readings: number;
  }) {
    this.#random = seededRandom(options.seed);
    this.#poison = new Set(options.poison);
    this.#breaks = options.breaks;
    this.#nextFree = options.readings + 1;
  }

  get suspects(): number {
    return this.#state.kind === 'testing' ? this.#state.suspects.length : 0;
  }

  get testing(): boolean {
    return this.#state.kind === 'testing';
  }

  /** Messages under way in sessions that end without an acknowledgement. */
  suspect(readings: number, size: number): void {
    const underway = [];
    for (let first = 1; first <= readings; first += size) {
      underway.push(stretch(first, Math.min(readings, first + size - 1)));
    }
    for (let i = 0; i < 2; i += 1) this.#tell({ kind: 'session_ended', underway, acknowledged: 0 });
  }

  /** Sends suspects until none is left; returns the number of messages. */
  run(limit = 5_000): number {
    for (let messages = 1; messages <= limit; messages += 1) {
      if (wantsProbe(this.#state)) {
        this.#tell({ kind: 'probe', sent: stretch(this.#nextFree, this.#nextFree) });
        this.#nextFree += 1;
      }
      const next = nextSuspect(this.#state);
      if (next === undefined) return messages;
      const first = number(next.after) + 1;
      this.#send(first, Math.min(number(next.upTo), first + next.limit - 1));
    }
    return limit;
  }

  #send(first: number, last: number): void {
    const sent = stretch(first, last);
    const readings = Array.from({ length: sent.count }, (_, i) => first + i);
    const chokes = readings.some((n) => this.#poison.has(n));
    if (chokes || this.#random.next() < this.#breaks) {
      this.sessions += 1;
      this.#tell({ kind: 'session_ended', underway: [sent], acknowledged: 0 });
      return;
    }
    for (const n of readings) this.delivered.add(n);
    this.#tell({ kind: 'passed', sent });
  }

  #tell(event: QuarantineEvent): void {
    const { state, condemned } = quarantineStep(this.#state, event);
    this.#state = state;
    if (condemned === undefined) return;
    assert.equal(condemned.count, 1);
    this.condemned.push(number(condemned.upTo));
  }
}

for (const [poison, readings, size] of [
  [[], 800, 100],
  [[1], 800, 100],
  [[800], 800, 100],
  [[437], 800, 100],
  [[1, 2], 800, 100],
  [[100, 101], 800, 100],
  [[5, 500], 800, 100],
  [[3], 3, 1],
  [[1], 1, 1],
  [[1, 2, 3], 3, 3],
  [[7, 9, 11, 13], 20, 20],
] as const) {
  test(`of ${readings} readings in messages of ${size}, [${poison.join()}] and no others are condemned`, () => {
    for (let seed = 0; seed < 40; seed += 1) {
      const model = new Model({
        seed,
        poison,
        breaks: [0, 0.01, 0.1, 0.3][seed % 4] ?? 0,
        readings,
      });
      model.suspect(readings, size);
      model.run();
      assert.ok(!model.testing, 'it comes to an end');
      assert.deepEqual(
        model.condemned.toSorted((a, b) => a - b),
        [...poison],
      );
      for (let n = 1; n <= readings; n += 1) {
        assert.equal(model.delivered.has(n), !poison.some((bad) => bad === n));
      }
    }
  });
}

test('finding one bad reading among 800 costs few connections', () => {
  const model = new Model({ seed: 1, poison: [437], breaks: 0, readings: 800 });
  model.suspect(800, 100);
  model.run();
  assert.ok(model.sessions <= 16, `${model.sessions} connections`);
});

test('while nothing at all gets through, nothing is condemned, however long it lasts', () => {
  const everything = Array.from({ length: 200_000 }, (_, i) => i + 1);
  const model = new Model({ seed: 1, poison: everything, breaks: 0, readings: 800 });
  model.suspect(800, 100);
  model.run(3_000);
  assert.deepEqual(model.condemned, []);
  assert.ok(model.testing);
});

test('while nothing at all gets through, the suspects do not become ever more', () => {
  const everything = Array.from({ length: 200_000 }, (_, i) => i + 1);
  const model = new Model({ seed: 1, poison: everything, breaks: 0, readings: 3 });
  model.suspect(3, 1);
  for (let i = 0; i < 20; i += 1) {
    model.run(500);
    assert.ok(model.suspects <= 3 + MAX_PROBES, `${model.suspects} suspects`);
  }
});

test('what is gone from the stream is no sign that messages pass', () => {
  const [bad, gone] = [stretch(1, 1), stretch(2, 2)];
  let state: QuarantineState = WATCHING;
  const tell = (event: QuarantineEvent) => {
    const step = quarantineStep(state, event);
    assert.equal(step.condemned, undefined);
    ({ state } = step);
  };
  const end = { kind: 'session_ended', acknowledged: 0 } as const;
  for (let i = 0; i < 2; i += 1) tell({ ...end, underway: [bad] });
  for (let i = 0; i < 50; i += 1) {
    tell({ ...end, underway: [bad] });
    tell({ kind: 'probe', sent: gone });
    tell({ kind: 'gone', sent: gone });
  }
});

test('sessions that acknowledge something, or have nothing under way, raise no suspicion', () => {
  let state: QuarantineState = WATCHING;
  for (let i = 0; i < 20; i += 1) {
    const event: QuarantineEvent = {
      kind: 'session_ended',
      underway: i % 2 === 0 ? [stretch(1, 10)] : [],
      acknowledged: i % 2 === 0 ? 1 : 0,
    };
    ({ state } = quarantineStep(state, event));
    assert.equal(state.kind, 'watching');
  }
});

test('a single reading refused outright is condemned at once, several are halved first', () => {
  assert.deepEqual(quarantineStep(WATCHING, { kind: 'refused', sent: stretch(4, 4) }), {
    state: WATCHING,
    condemned: stretch(4, 4),
  });
  const step = quarantineStep(WATCHING, { kind: 'refused', sent: stretch(1, 9) });
  assert.equal(step.condemned, undefined);
  assert.equal(nextSuspect(step.state)?.limit, 5);
});

test('a size that has failed is not tried again after each pass', () => {
  let { state } = quarantineStep(WATCHING, { kind: 'refused', sent: stretch(1, 100) });
  let failures = 0;
  for (let next = nextSuspect(state); next !== undefined; next = nextSuspect(state)) {
    const first = number(next.after) + 1;
    const sent = stretch(first, Math.min(number(next.upTo), first + next.limit - 1));
    const fits = sent.count <= 12;
    if (!fits) failures += 1;
    const event: QuarantineEvent = fits
      ? { kind: 'passed', sent }
      : { kind: 'session_ended', underway: [sent], acknowledged: 0 };
    ({ state } = quarantineStep(state, event));
  }
  assert.ok(failures <= 3, `${failures} failures`);
});
