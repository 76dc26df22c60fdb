import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { answerOf } from '../../src/core/answers.ts';

const record = {
  registrationId: 'r',
  assignedHub: 'a.azure-devices.net',
  deviceId: 'd',
  status: 'assigned',
  substatus: 'initialAssignment',
  etag: 'e',
};

describe('an answer of DPS', () => {
  const registration = {
    host: 'a.azure-devices.net',
    deviceId: 'd',
    substatus: 'initialAssignment',
    etag: 'e',
    payload: '',
  };
  test('assigned, by an operation or a lookup, in any case', () => {
    const assigned = { kind: 'assigned', registration };
    const operation = { operationId: 'o', status: 'assigned', registrationState: record };
    assert.deepEqual(answerOf(200, operation, undefined), assigned);
    assert.deepEqual(answerOf(200, record, undefined), assigned);
    assert.deepEqual(answerOf(200, { ...record, status: 'Assigned' }, undefined), assigned);
  });
  test('the payload is kept as JSON, whatever it is', () => {
    for (const [payload, text] of [
      [{ a: 1 }, '{"a":1}'],
      ['x', '"x"'],
      [0, '0'],
      [null, ''],
    ] as const) {
      const answer = answerOf(200, { ...record, payload }, undefined);
      assert.deepEqual(answer, {
        kind: 'assigned',
        registration: { ...registration, payload: text },
      });
    }
  });
  test('assigning needs an operation', () => {
    assert.deepEqual(answerOf(202, { operationId: 'o', status: 'assigning' }, 3_000), {
      kind: 'assigning',
      operationId: 'o',
      retryAfterMs: 3_000,
    });
    assert.equal(answerOf(202, { status: 'assigning' }, 3_000).kind, 'unreadable');
  });
  test('failed says why', () => {
    const registrationState = { status: 'failed', errorCode: 400207, errorMessage: 'no hub' };
    assert.deepEqual(answerOf(200, { status: 'failed', registrationState }, undefined), {
      kind: 'ended',
      status: 'failed',
      message: 'failed (400207) no hub',
    });
    for (const status of ['disabled', 'unassigned'] as const) {
      assert.deepEqual(answerOf(200, { status }, undefined), {
        kind: 'ended',
        status,
        message: status,
      });
    }
  });
  test('a refusal says status, number and words', () => {
    const body = { errorCode: 401002, message: 'wrong key' };
    assert.deepEqual(answerOf(401, body, 5_000), {
      kind: 'refused',
      status: 401,
      retryAfterMs: 5_000,
      message: 'status 401 (401002) wrong key',
    });
    assert.deepEqual(answerOf(503, undefined, undefined, 'Service Unavailable'), {
      kind: 'refused',
      status: 503,
      retryAfterMs: undefined,
      message: 'status 503 Service Unavailable',
    });
  });
  test('what is no answer is unreadable', () => {
    for (const body of [undefined, null, '', 'x', 3, [], {}, { status: 7 }, { status: 'new' }]) {
      assert.equal(answerOf(200, body, undefined).kind, 'unreadable', JSON.stringify(body));
    }
    for (const field of ['assignedHub', 'deviceId'] as const) {
      assert.equal(answerOf(200, { ...record, [field]: '' }, undefined).kind, 'unreadable');
    }
  });
});
