import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { seededRandom } from '@holdfast/kit/testing';
import { ExportRun } from '../../src/commands/export-run.ts';
import { renderAnswer, shortAnswer } from '../../src/core/commands/answer.ts';
import { fullBucket, takeToken } from '../../src/core/commands/bucket.ts';
import { decodeExport } from '../../src/core/commands/export.ts';
import type { ExportJob } from '../../src/core/commands/export.ts';
import { classifyReboot, decodeReboot } from '../../src/core/commands/reboot.ts';
import { decodeRecord, encodeRecord, recordsToForget } from '../../src/core/commands/records.ts';

describe('an answer', () => {
  test('holds the members of the command, and ours cannot be forged', () => {
    const echo = { command: 'reboot', id: 1, status: 'done', error: null, value: 5, mine: [1] };
    assert.deepEqual(JSON.parse(renderAnswer(echo, { status: 'running' })), {
      command: 'reboot',
      id: 1,
      mine: [1],
      status: 'running',
    });
  });

  test('keeps value of set_config and count of send_measurements where they are refused', () => {
    const error = { code: 'bad_value', message: 'no' } as const;
    const set = { command: 'SET_config', value: 'x' };
    assert.deepEqual(JSON.parse(renderAnswer(set, { error })), { ...set, error });
    const send = { command: 'send_measurements', count: -1 };
    assert.deepEqual(JSON.parse(renderAnswer(send, { error })), { ...send, error });
  });

  test('that is cut keeps a short command and id only', () => {
    const long = 'x'.repeat(100);
    const cut = JSON.parse(shortAnswer({ command: 'reboot', id: long, more: long })) as object;
    assert.deepEqual(Object.keys(cut), ['command', 'error']);
  });
});

test('a bucket gives its burst at once and its rate ever after', () => {
  const limits = { perSecond: 20, burst: 50 };
  let state = fullBucket(limits, 0);
  let taken = 0;
  for (let ms = 0; ms <= 10_000; ms += 1) {
    const next = takeToken(state, limits, ms);
    state = next.state;
    if (next.taken) taken += 1;
  }
  assert.ok(Math.abs(taken - 250) <= 1, `${taken}`);
  const back = takeToken(state, limits, -5_000);
  assert.ok(back.state.tokens >= 0 && back.state.tokens <= 50);
});

describe('records of commands', () => {
  const record = (key: string, takenMs: number, more: object = {}) =>
    [key, encodeRecord({ takenMs, ...more })] as const;
  const DAY = 86_400_000;

  test('are forgotten after 7 days, when unreadable, and beyond their size', () => {
    const nowMs = 10 * DAY;
    const huge = { answer: 'x'.repeat(300_000) };
    const records = [
      record('old', 2 * DAY),
      record('young', 4 * DAY),
      record('alive', 1, { expiresMs: nowMs + 1 }),
      record('huge-1', 9 * DAY, huge),
      record('huge-2', 9.5 * DAY, huge),
      ['junk', '{"a":1}'] as const,
    ];
    assert.deepEqual(recordsToForget(records, nowMs).toSorted(), ['huge-1', 'junk', 'old']);
  });

  test('survive a clock that was set back', () => {
    assert.deepEqual(recordsToForget([record('a', 10 * DAY)], 0), []);
  });

  test('are read as they were written, and anything else is none', () => {
    const full = { takenMs: 5, expiresMs: 7, answer: '{}' };
    assert.deepEqual(decodeRecord(encodeRecord(full)), full);
    for (const text of ['', 'null', '[]', '{"takenMs":"5"}']) {
      assert.equal(decodeRecord(text), undefined);
    }
  });
});

describe('what the supervisor answers', () => {
  const cases: [number | 'no_answer', string, string | undefined][] = [
    [200, 'coming', undefined],
    [202, 'coming', undefined],
    [423, 'refused', 'busy'],
    [401, 'refused', 'failed'],
    [403, 'refused', 'failed'],
    [404, 'refused', 'failed'],
    [429, 'try_again', 'failed'],
    [500, 'try_again', 'failed'],
    [503, 'try_again', 'failed'],
    ['no_answer', 'try_again', 'failed'],
  ];
  for (const [status, kind, code] of cases) {
    test(`${status} means ${kind}`, () => {
      const verdict = classifyReboot(
        status === 'no_answer' ? { status } : { status, words: 'locked by x' },
      );
      assert.equal(verdict.kind, kind);
      if (verdict.kind !== 'coming') assert.equal(verdict.refusal.code, code);
      if (status === 423 && verdict.kind === 'refused') {
        assert.equal(verdict.refusal.message, 'locked by x');
      }
    });
  }

  test('a stored request that cannot be read is none', () => {
    for (const text of [null, '', '{}', '{"bootId":"b","takenMs":1}']) {
      assert.equal(decodeReboot(text), undefined);
    }
  });
});

const JOB: ExportJob = {
  recordKey: 'id:1',
  id: '1',
  source: 'mqtt',
  echo: {},
  after: '0-0',
  upTo: '1000-0',
  remaining: null,
  sent: 0,
  skipped: 0,
  failures: 0,
  takenMs: 0,
};

describe('an export', () => {
  test('is read as it was stored, and anything else is none', () => {
    assert.deepEqual(decodeExport(JSON.stringify(JOB)), JOB);
    for (const text of ['', '[]', '{}', JSON.stringify({ ...JOB, sent: '3' })]) {
      assert.equal(decodeExport(text), undefined);
    }
  });

  test('advances with acknowledgements in whatever order they come', () => {
    const run = new ExportRun(JOB);
    const first = run.sending('10-0', 10);
    const second = run.sending('20-0', 10);
    second({ kind: 'acknowledged' });
    assert.deepEqual([run.job.after, run.job.sent], ['0-0', 0]);
    first({ kind: 'acknowledged' });
    assert.deepEqual([run.job.after, run.job.sent], ['20-0', 20]);
  });

  test('never asks for more than its count', () => {
    const run = new ExportRun({ ...JOB, remaining: 15 });
    assert.equal(run.next(100)?.count, 15);
    const landed = run.sending('10-0', 10);
    assert.equal(run.next(100)?.count, 5);
    run.sending('15-0', 5)({ kind: 'acknowledged' });
    assert.equal(run.next(100), undefined);
    assert.equal(run.finished, false);
    landed({ kind: 'acknowledged' });
    assert.equal(run.finished, true);
    assert.deepEqual([run.job.sent, run.job.remaining], [15, 0]);
  });

  test('sends every reading once that can be sent, whatever the connection does', () => {
    for (let seed = 1; seed <= 200; seed += 1) {
      const random = seededRandom(seed);
      const poison = new Set([17, 400 + seed]);
      const run = new ExportRun(JOB);
      const acknowledged = new Set<number>();
      const flying: { ids: number[]; landed: ReturnType<ExportRun['sending']> }[] = [];
      for (let step = 0; step < 20_000 && !run.finished; step += 1) {
        const next = random.next() < 0.6 ? run.next(100) : undefined;
        if (next !== undefined) {
          const from = Number.parseInt(next.after, 10) + 1;
          const to = Math.min(1_000, from + next.count - 1);
          if (from > 1_000) {
            run.drained();
            continue;
          }
          const ids = Array.from({ length: to - from + 1 }, (_, i) => from + i);
          flying.push({ ids, landed: run.sending(`${to}-0`, ids.length) });
          continue;
        }
        const message = flying.shift();
        if (message === undefined) continue;
        if (random.next() < 0.02 || message.ids.some((id) => poison.has(id))) {
          for (const { landed } of [message, ...flying.splice(0)]) landed({ kind: 'lost' });
        } else {
          for (const id of message.ids) acknowledged.add(id);
          message.landed({ kind: 'acknowledged' });
        }
      }
      assert.equal(run.finished, true, `seed ${seed} ends`);
      assert.equal(run.job.sent + run.job.skipped, 1_000, `seed ${seed}`);
      assert.equal(run.job.skipped, poison.size, `seed ${seed}`);
      assert.equal(acknowledged.size, 1_000 - poison.size, `seed ${seed}`);
    }
  });
});
