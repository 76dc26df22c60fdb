/** True throttling: what happens when more is asked for than the service allows. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { AZURE_LIMITS } from '../../src/dps/core/limits.ts';
import { register, rejection } from './dps-device.ts';
import { rawLookup, rawPoll, rawRegister } from './dps-raw.ts';
import { addressOf, primaryKey, startTestCloud } from './dps-target.ts';

test('more registrations than the limit are 429 with the time until there is room', async () => {
  const limits = { ...AZURE_LIMITS, registrationsPerMinute: 2 };
  await using cloud = await startTestCloud({ limits });
  const key = primaryKey(cloud.dps.enrol({ registrationId: 'rover-1' }));
  const dps = addressOf(cloud);
  const device = { dps, registrationId: 'rover-1', key };
  assert.equal((await rawRegister(device)).status, 202);
  assert.equal((await rawLookup(device)).status, 200, 'a lookup counts as well');

  const third = await rawRegister(device);
  assert.equal(third.status, 429);
  assert.equal(third.body['errorCode'], 429001);
  const seconds = Number(third.headers['retry-after']);
  assert.ok(seconds > 50 && seconds <= 60, `${seconds}`);

  cloud.dps.settings.throttleRetryAfter = 'date';
  const dated = await rawRegister(device);
  assert.ok(Date.parse(dated.headers['retry-after'] ?? '') > Date.now() + 40_000);
  cloud.dps.settings.throttleRetryAfter = 'absent';
  assert.equal((await rawRegister(device)).headers['retry-after'], undefined);

  const proof = { kind: 'key', key } as const;
  const order = { dps, transport: 'http', registrationId: 'rover-1', proof } as const;
  assert.equal((await rejection(register(order))).name, 'ThrottlingError');
  cloud.dps.settings.limits = AZURE_LIMITS;
  assert.equal((await register(order))['status'], 'assigned', 'limits count at once');
});

test('a device that polls more than 5 times in 10 s is held back, registrations are not', async () => {
  await using cloud = await startTestCloud({ pollsUntilAssigned: 100 });
  const key = primaryKey(cloud.dps.enrol({ registrationId: 'rover-1' }));
  const device = { dps: addressOf(cloud), registrationId: 'rover-1', key };
  const { body } = await rawRegister(device);
  const operationId = body['operationId'] as string;
  const statuses: number[] = [];
  for (let poll = 0; poll < 6; poll += 1) {
    statuses.push((await rawPoll(device, operationId)).status);
  }
  assert.deepEqual(statuses, [202, 202, 202, 202, 202, 429]);
  assert.equal((await rawRegister(device)).status, 202);
});

test('an answer on the way tells when to ask again, where, and in what words', async () => {
  await using cloud = await startTestCloud({ retryAfterSeconds: 3 });
  const key = primaryKey(cloud.dps.enrol({ registrationId: 'Rover-1' }));
  const device = { dps: addressOf(cloud), registrationId: 'rover-1', key };
  const { headers, body } = await rawRegister(device);
  assert.equal(headers['retry-after'], '3');
  assert.match(headers['content-type'] ?? '', /^application\/json/);
  const operationId = body['operationId'] as string;
  assert.match(operationId, /^4\.[0-9a-f]{16}\.[0-9a-f-]{36}$/);
  assert.ok(headers.location?.includes(`/operations/${operationId}?api-version=2021-06-01`));
  assert.equal(body['status'], 'assigning');
});

test('with answerAtOnce the registration itself brings the result', async () => {
  await using cloud = await startTestCloud({ answerAtOnce: true });
  const key = primaryKey(cloud.dps.enrol({ registrationId: 'rover-1' }));
  const proof = { kind: 'key', key } as const;
  for (const transport of ['http', 'mqtt'] as const) {
    const order = { dps: addressOf(cloud), transport, registrationId: 'rover-1', proof } as const;
    assert.equal((await register(order))['status'], 'assigned');
  }
  assert.equal(cloud.log.count('poll'), 0);
});
