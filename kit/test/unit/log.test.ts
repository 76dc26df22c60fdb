import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { RepeatFilter, createLog, errorCode, errorMessage, renderLogLine } from '@holdfast/kit';
import { ManualClock } from '@holdfast/kit/testing';

function render(fields: object): Record<string, unknown> {
  const line = renderLogLine(0, 'info', 'sensor', 'it', fields);
  assert.ok(!line.includes('\n'));
  return JSON.parse(line) as Record<string, unknown>;
}

describe('a log line', () => {
  test('is one JSON object: time, level, service, event, then the fields', () => {
    assert.equal(
      renderLogLine(1_700_000_000_000, 'warn', 'sensor', 'retry', { attempt: 3, delayMs: 5 }),
      '{"time":"2023-11-14T22:13:20.000Z","level":"warn","service":"sensor","event":"retry","attempt":3,"delayMs":5}',
    );
  });
  test('keeps its first four members whatever the fields are called', () => {
    const line = render({ time: 'x', level: 'x', service: 'x', event: 'x', other: 'y' });
    assert.deepEqual(line, {
      time: '1970-01-01T00:00:00.000Z',
      level: 'info',
      service: 'sensor',
      event: 'it',
      other: 'y',
    });
  });
  test('shows an Error by its message, also inside an object', () => {
    const line = render({ error: new Error('a\nb'), deep: { error: new TypeError('c') } });
    assert.equal(line['error'], 'a\nb');
    assert.deepEqual(line['deep'], { error: 'c' });
  });
  test('shows an AggregateError without a message by its parts', () => {
    const error = new AggregateError([new Error('refused 1'), new Error('refused 2')]);
    assert.equal(render({ error })['error'], 'refused 1; refused 2');
  });
  test('shows a bigint as text', () => {
    assert.equal(render({ id: 2n ** 64n })['id'], '18446744073709551616');
  });
  test('never throws: fields that are no JSON are left out and the line says so', () => {
    const loop: Record<string, unknown> = {};
    loop['self'] = loop;
    assert.equal(render(loop)['event'], 'it');
    assert.match(String(render(loop)['unprintable']), /circular/i);
  });
});

test('createLog writes one line per event with the level and the time of its clock', () => {
  const lines: string[] = [];
  const clock = new ManualClock(86_400_000);
  const log = createLog<{ up: { port: number } }>('x', clock, (line) => lines.push(line));
  log.info('up', { port: 1 });
  log.warn('up', { port: 2 });
  log.error('up', { port: 3 });
  const read = lines.map((line) => JSON.parse(line) as Record<string, unknown>);
  assert.deepEqual(
    read.map((line) => [line['time'], line['level'], line['port']]),
    [
      ['1970-01-02T00:00:00.000Z', 'info', 1],
      ['1970-01-02T00:00:00.000Z', 'warn', 2],
      ['1970-01-02T00:00:00.000Z', 'error', 3],
    ],
  );
});

describe('RepeatFilter', () => {
  test('lets the first of a kind through, then every n-th', () => {
    const filter = new RepeatFilter(3);
    const passed = Array.from({ length: 8 }, () => filter.shouldLog('down'));
    assert.deepEqual(passed, [true, false, false, true, false, false, true, false]);
  });
  test('lets a change through at once, also the change back', () => {
    const filter = new RepeatFilter(60);
    const passed = ['a', 'a', 'b', 'b', 'a'].map((key) => filter.shouldLog(key));
    assert.deepEqual(passed, [true, false, true, false, true]);
  });
  test('starts again after a reset', () => {
    const filter = new RepeatFilter(60);
    filter.shouldLog('a');
    filter.reset();
    assert.equal(filter.shouldLog('a'), true);
  });
});

describe('errors in tables and sentences', () => {
  test('errorCode prefers the code, then the class name', () => {
    assert.equal(
      errorCode(Object.assign(new Error('x'), { code: 'ECONNREFUSED' })),
      'ECONNREFUSED',
    );
    assert.equal(errorCode(Object.assign(new Error('x'), { code: 5 })), '5');
    assert.equal(errorCode(new TypeError('x')), 'TypeError');
    assert.equal(errorCode('text'), 'UNKNOWN');
    assert.equal(errorCode(null), 'UNKNOWN');
  });
  test('errorMessage says something for whatever was thrown', () => {
    assert.equal(errorMessage(new Error('x')), 'x');
    assert.equal(errorMessage('text'), 'text');
    assert.equal(errorMessage(undefined), 'undefined');
    assert.equal(errorMessage(Object.create(null)), 'unknown error');
  });
});
