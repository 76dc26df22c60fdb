/** Direct methods and the twin of a real connection: carried out, answered, and never a crash. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Hub } from '@holdfast/azure-lab';
import { until } from '@holdfast/lab/servers';
import { DEVICE, PATIENT, startHubBed } from './hub-bed.ts';
import type { HubBed } from './hub-bed.ts';

type Json = Record<string, unknown>;
type Payload = Parameters<Hub['invokeMethod']>[2];

async function call(bed: HubBed, method: string, payload?: Payload) {
  const answer = await until('the methods are listened for', async () => {
    try {
      return await bed.hub().invokeMethod(DEVICE, method, payload);
    } catch (error) {
      if (/404103/.test(String(error))) return undefined;
      throw error;
    }
  });
  return { status: answer.status, payload: answer.payload as Json };
}

function reported(bed: HubBed): Json {
  return bed.hub().registry.readTwin(DEVICE).reported;
}

async function untilReported(bed: HubBed, key: string, wanted: Json): Promise<void> {
  const shown = () => (reported(bed)['config'] as Json | undefined)?.[key];
  await until(`${key} is reported`, () => JSON.stringify(shown()) === JSON.stringify(wanted)).catch(
    (error: unknown) => {
      throw new Error(`${String(error)}: ${JSON.stringify(reported(bed))}`);
    },
  );
}

test('direct methods are commands, in any case, and their answers the response', async () => {
  await using bed = await startHubBed();
  const { client } = bed.redis;
  const set = { key: 'measurement:interval', value: 7, id: 'a' };
  assert.deepEqual(await call(bed, 'Set_Config', set), {
    status: 200,
    payload: { ...set, command: 'Set_Config' },
  });
  assert.equal(await client.get('measurement:interval'), '7');
  const read = await call(bed, 'get_config', { key: 'measurement:interval' });
  assert.equal(read.payload['value'], '7');
  for (const name of ['Reprovision', 'reprovision', 'REPROVISION']) {
    await client.del('provisioning:request');
    const { status, payload } = await call(bed, name);
    assert.deepEqual([status, payload['status']], [202, 'requested']);
    assert.match((await client.get('provisioning:request')) ?? '', /^\d{13} hub$/);
  }
  const status = await call(bed, 'get_status', null);
  assert.ok('mqtthandler:status' in (status.payload['value'] as Json));
});

test('a method that is faulty, unknown or forbidden is answered with its reason', async () => {
  await using bed = await startHubBed();
  const cases: [string, Payload, number, string][] = [
    ['dance', {}, 404, 'unknown_command'],
    ['get_config', { key: 'hub:credentials' }, 403, 'forbidden_key'],
    ['set_config', { key: 'measurement:interval', value: 'often' }, 400, 'bad_value'],
    ['set_config', 'no object', 400, 'not_an_object'],
    ['reboot', {}, 501, 'not_supported'],
    ['get_status', { expires: 1 }, 410, 'expired'],
  ];
  for (const [method, payload, status, code] of cases) {
    const answer = await call(bed, method, payload);
    assert.equal(answer.status, status, method);
    assert.equal((answer.payload['error'] as Json)['code'], code, method);
  }
});

test('an export asked for by method goes to the hub, its last answer into the twin', async () => {
  await using bed = await startHubBed();
  await bed.producer.produce(100);
  await bed.assertNothingLost();
  const { status } = await call(bed, 'send_measurements', { id: 'again' });
  assert.equal(status, 202);
  await until('all of them again', () => bed.account.duplicates === 100);
  await until('the answer is reported', () => {
    const answer = reported(bed)['answer'] as Json | undefined;
    return answer?.['status'] === 'done' && answer['sent'] === 100 && answer['id'] === 'again';
  });
});

test('a late answer is kept until the twin has it, also when the process dies before', async () => {
  await using bed = await startHubBed({ start: false });
  bed.cloud.faults.add({ at: 'twin_get', action: { kind: 'hang' }, count: 1 });
  bed.handler.start();
  await bed.producer.produce(10);
  await bed.assertNothingLost();
  await call(bed, 'send_measurements', { id: 'kept' });
  const kept = () => bed.redis.client.xlen('commands:outbox');
  await until('its last answer waits', async () => (await kept()) === 1);
  await bed.handler.kill();
  bed.handler.start();
  await until('the answer is reported', () => {
    const answer = reported(bed)['answer'] as Json | undefined;
    return answer?.['status'] === 'done' && answer['id'] === 'kept';
  });
  await until('it is delivered', async () => (await kept()) === 0);
});

test('desired properties set keys once per change; values, outcomes and versions are reported', async () => {
  await using bed = await startHubBed({ start: false });
  const { client } = bed.redis;
  const { registry } = bed.hub();
  const first = registry.patchDesired(DEVICE, {
    config: { 'measurement:interval': 5, 'hub:credentials': 'x', 'mqtt_sender:interval': 'soon' },
    other: { a: 1 },
  });
  bed.handler.start();
  await untilReported(bed, 'measurement:interval', { value: '5', version: first, outcome: 'done' });
  assert.equal(await client.get('measurement:interval'), '5');
  const config = reported(bed)['config'] as Record<string, Json>;
  assert.equal(config['hub:credentials']?.['outcome'], 'forbidden_key');
  assert.equal(config['mqtt_sender:interval']?.['outcome'], 'bad_value');

  const second = registry.patchDesired(DEVICE, { config: { 'measurement:interval': 6 } });
  await untilReported(bed, 'measurement:interval', {
    value: '6',
    version: second,
    outcome: 'done',
  });

  // Changed here: shown, and not undone by a reconnect.
  await client.set('measurement:interval', '9');
  await untilReported(bed, 'measurement:interval', {
    value: '9',
    version: second,
    outcome: 'done',
  });
  const { position } = bed.cloud.log;
  bed.hub().dropConnections();
  await bed.cloud.log.waitFor('twin_read', undefined, { after: position });
  assert.equal(await client.get('measurement:interval'), '9');

  // The same value desired again is meant.
  const third = registry.patchDesired(DEVICE, { config: { 'measurement:interval': 6 } });
  await untilReported(bed, 'measurement:interval', { value: '6', version: third, outcome: 'done' });
  registry.patchDesired(DEVICE, { config: { 'hub:credentials': null } });
  await until(
    'what is no longer desired is no longer reported',
    () => !('hub:credentials' in (reported(bed)['config'] as Json)),
  );
  const state = reported(bed)['state'] as Json;
  assert.deepEqual(state['links'], { hub: 'connected' });
});

test('what was desired while the device was away is carried out when it is back', async () => {
  await using bed = await startHubBed();
  await until('the twin is read', () => bed.cloud.log.count('twin_read') > 0);
  await bed.hub().goDown();
  await bed.untilLink('failed');
  bed.hub().registry.patchDesired(DEVICE, { config: { 'measurement:interval': 3 } });
  await bed.hub().comeUp();
  await until(
    'it is set',
    async () => (await bed.redis.client.get('measurement:interval')) === '3',
  );
});

const EMPTY = { kind: 'status', status: 429, body: '' } as const;
const faults = [
  ['429 without a body', EMPTY],
  ['500 without a body', { kind: 'status', status: 500, body: '' }],
  ['429 with Retry-After', { ...EMPTY, retryAfter: { seconds: 6 } }],
  ['500 with a JSON body', { kind: 'status', status: 500 }],
  ['a body that is no JSON', { kind: 'body', text: '<html>' }],
  ['an empty body', { kind: 'body', text: '' }],
] as const;
for (const [name, action] of faults) {
  test(`a twin answered with ${name} does not end the process; it is asked again, unhurried`, async () => {
    await using bed = await startHubBed({ start: false, env: PATIENT });
    bed.cloud.faults.add({ at: 'twin_get', action, count: 1 });
    bed.cloud.faults.add({ at: 'twin_patch', action, count: 1 });
    bed.hub().registry.patchDesired(DEVICE, { config: { 'measurement:interval': 4 } });
    bed.handler.start();
    const { pid } = bed.handler;
    const fault = await bed.cloud.log.waitFor('fault', ({ at }) => at === 'twin_get');
    bed.producer.start(50);
    // A bad body is a good answer for the hub.
    const reads = action.kind === 'body' ? 2 : 1;
    const good = () => bed.cloud.log.of('twin_read').filter(({ status }) => status === 200);
    const read = await until('it is read', () => good()[reads - 1], 40_000);
    const askedMs = name.includes('Retry-After') ? 6_000 : 5_000;
    assert.ok(read.atMs - fault.atMs >= askedMs - 100, `${read.atMs - fault.atMs} ms`);
    await until('it is set', async () => {
      return (await bed.redis.client.get('measurement:interval')) === '4';
    });
    await bed.producer.stop();
    await bed.assertNothingLost();
    assert.equal(bed.handler.pid, pid);
    assert.equal(bed.logged('crashed').length, 0);
    assert.equal(bed.cloud.log.count('connected'), 1);
  });
}

test('a twin that never answers is asked again, and holds nothing up', async () => {
  await using bed = await startHubBed({ start: false });
  bed.cloud.faults.add({ at: 'twin_get', action: { kind: 'hang' }, count: 1 });
  bed.handler.start();
  await bed.producer.produce(100);
  await bed.assertNothingLost();
  const { payload } = await call(bed, 'get_config', { key: 'measurement:interval' });
  assert.equal(payload['value'], null);
});

test('with a public key only signed commands run, whichever way they come', async () => {
  const key = Buffer.alloc(32, 7).toString('base64');
  await using bed = await startHubBed({ env: { COMMAND_PUBLIC_KEY: key } });
  const { status, payload } = await call(bed, 'set_config', {
    key: 'measurement:interval',
    value: 1,
  });
  assert.equal(status, 401);
  assert.equal((payload['error'] as Json)['code'], 'missing_signature');
  const version = bed
    .hub()
    .registry.patchDesired(DEVICE, { config: { 'measurement:interval': 2 } });
  await until('it is refused', () => {
    const shown = (reported(bed)['config'] as Record<string, Json> | undefined)?.[
      'measurement:interval'
    ];
    return shown?.['outcome'] === 'missing_signature' && shown['version'] === version;
  });
  assert.equal(await bed.redis.client.get('measurement:interval'), null);
});
