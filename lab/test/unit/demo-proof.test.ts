import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { fieldOf } from '@holdfast/redis';
import type { StreamEntry } from '@holdfast/redis';
import { Deliveries } from '../../demo/src/core/deliveries.ts';
import { isComplete, proofLines, prove } from '../../demo/src/core/proof.ts';

const entry = (epoch: string, seq: number, more: readonly string[] = []): StreamEntry => [
  `${seq}-0`,
  ['_epoch', epoch, '_seq', String(seq), ...more],
];
const gapEntry = (epoch: string, from: number, to: number): StreamEntry => [
  `${from}-1`,
  [
    '_epoch',
    epoch,
    '_gap',
    `{"from_seq":${from},"to_seq":${to},"count":${to - from + 1},"reason":"x"}`,
  ],
];
const run = (epoch: string, count: number) =>
  Array.from({ length: count }, (_, i) => entry(epoch, i + 1));

/** As mqtthandler sends it. */
function wire(entries: readonly StreamEntry[]): string {
  const members = entries.map(([id, fields]) => {
    const reading: Record<string, unknown> = { _id: id, _device_uuid: 'demo' };
    for (let i = 0; i < fields.length; i += 2) reading[fields[i] ?? ''] = fields[i + 1];
    const gap = fieldOf(fields, '_gap');
    if (gap !== undefined) reading['_gap'] = JSON.parse(gap);
    return reading;
  });
  return JSON.stringify(members);
}

function received(...messages: (readonly StreamEntry[])[]): Deliveries {
  const deliveries = new Deliveries();
  for (const message of messages) deliveries.take(wire(message));
  return deliveries;
}

describe('the proof', () => {
  test('is complete when every reading of the stream has arrived', () => {
    const stream = run('a', 10);
    const proof = prove(stream, received(stream));
    assert.deepEqual(proof, {
      produced: 10,
      delivered: 10,
      recordedAsGap: 0,
      lost: [],
      duplicates: 0,
      holesInStream: 0,
      epochs: 1,
      unreadable: 0,
    });
    assert.ok(isComplete(proof));
    assert.match(proofLines(proof).at(-1) ?? '', /^Nothing was lost/);
  });

  for (const victim of [1, 5, 10]) {
    test(`reports reading ${victim} of 10 as lost when it was never delivered`, () => {
      const stream = run('a', 10);
      const proof = prove(stream, received(stream.filter((_, i) => i !== victim - 1)));
      assert.deepEqual(proof.lost, [`a/${victim}`]);
      assert.equal(proof.delivered, 9);
      assert.ok(!isComplete(proof));
      assert.equal(proofLines(proof).at(-1), `FAILED: 1 of 10 readings are lost: a/${victim}`);
    });
  }

  test('misses a reading that has vanished from the stream and was not delivered', () => {
    const stream = run('a', 10).filter((_, i) => i !== 3);
    const proof = prove(stream, received(stream));
    assert.deepEqual(proof.lost, ['a/4']);
    assert.equal(proof.produced, 10);
    assert.equal(proof.holesInStream, 1);
  });

  test('does not call lost what only the subscriber has any more', () => {
    const all = run('a', 10);
    const proof = prove(all.slice(0, 8), received(all));
    assert.ok(isComplete(proof));
    assert.equal(proof.produced, 10);
    assert.equal(proof.holesInStream, 2);
  });

  test('misses the end of a life of the buffer that the next life tells of', () => {
    const first = run('a', 5);
    const next = entry('b', 1, ['_previous_epoch', 'a', '_previous_seq', '7']);
    const proof = prove([...first, next], received(first, [next]));
    assert.deepEqual(proof.lost, ['a/6', 'a/7']);
    assert.equal(proof.epochs, 2);
  });

  test('counts duplicates once however often they come', () => {
    const stream = run('a', 4);
    const proof = prove(stream, received(stream, stream, stream.slice(2)));
    assert.equal(proof.delivered, 4);
    assert.equal(proof.duplicates, 6);
    assert.ok(isComplete(proof));
  });

  test('a recorded gap is no silent loss, and the run is not complete all the same', () => {
    const gap = gapEntry('a', 3, 5);
    const stream = [...run('a', 2), gap, entry('a', 6)];
    const proof = prove(stream, received(stream));
    assert.deepEqual([proof.produced, proof.delivered, proof.recordedAsGap], [6, 3, 3]);
    assert.deepEqual(proof.lost, []);
    assert.ok(!isComplete(proof));
    assert.match(proofLines(proof).at(-1) ?? '', /3 readings are missing; each .* on record/);
  });

  test('a gap record that did not arrive excuses nothing', () => {
    const stream = [...run('a', 2), gapEntry('a', 3, 5), entry('a', 6)];
    const proof = prove(stream, received(run('a', 2), [entry('a', 6)]));
    assert.deepEqual(proof.lost, ['a/3', 'a/4', 'a/5']);
  });

  test('readings of other programs count by their id', () => {
    const foreign: StreamEntry[] = [
      ['5-0', ['co2_ppm', '400']],
      ['6-0', ['co2_ppm', '401']],
    ];
    assert.ok(isComplete(prove(foreign, received(foreign))));
    assert.deepEqual(prove(foreign, received(foreign.slice(1))).lost, ['id/5-0']);
  });

  test('a run without a reading proves nothing', () => {
    const proof = prove([], received());
    assert.ok(!isComplete(proof));
    assert.match(proofLines(proof).at(-1) ?? '', /^FAILED: no reading/);
  });

  test('what cannot be read is counted and fails the run', () => {
    const stream = run('a', 3);
    const deliveries = received(stream);
    for (const nonsense of ['', '{', '7', '{}', '[7]', '[{}]', '[null]']) deliveries.take(nonsense);
    const proof = prove(stream, deliveries);
    assert.equal(proof.unreadable, 7);
    assert.ok(!isComplete(proof));
  });

  test('names the first lost readings only', () => {
    const last = proofLines(prove(run('a', 100), received([entry('a', 100)]))).at(-1) ?? '';
    assert.equal(last, 'FAILED: 99 of 100 readings are lost: a/1, a/2, a/3, a/4, a/5, ...');
  });

  test('fits in 80 columns', () => {
    const stream = [...run('a', 4), entry('b', 1)];
    for (const line of proofLines(prove(stream, received(stream)))) assert.ok(line.length <= 80);
  });
});
