/**
 * What the official device client makes of refusals and losses. Where it surprises, callers have to
 * know: a new version of the package that behaves differently fails here first.
 */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { test } from 'node:test';
import type { Client, Twin } from 'azure-iot-device';
import azureDevice from 'azure-iot-device';
import azureMqtt from 'azure-iot-device-mqtt';
import type { Cloud, FaultRule } from '../../src/index.ts';
import { LAB_ONLY, Message, makeClient, startBench } from './device-client.ts';
import type { Bench } from './device-client.ts';

interface ClientError extends Error {
  readonly transportError?: { readonly code?: number | string };
}

const FIRST_CONNECT = [
  [1, 'NotImplementedError', /Connection refused: Unacceptable protocol version/],
  [2, 'UnauthorizedError', /Connection refused: Identifier rejected/],
  [3, 'ServiceUnavailableError', /Connection refused: Server unavailable/],
  [4, 'UnauthorizedError', /Connection refused: Bad username or password/],
  [5, 'UnauthorizedError', /Connection refused: Not authorized/],
] as const;

for (const [code, name, text] of FIRST_CONNECT) {
  test(`a first connection refused with ${code} is a ${name}`, LAB_ONLY, async () => {
    await using bench = await startBench();
    bench.cloud.faults.add({ at: 'hub_connect', action: { kind: 'connack', code } });
    const error = await failure(bench.open());
    assert.equal(error.name, name);
    assert.match(error.message, text);
  });
}

test('a hub that is down looks like a wrong key, but for the text', LAB_ONLY, async () => {
  await using bench = await startBench();
  await bench.hub.goDown();
  const error = await failure(bench.open());
  assert.equal(error.name, 'UnauthorizedError');
  assert.doesNotMatch(error.message, /Connection refused/);
});

test(
  'a later refusal of the same client is NotConnectedError with the code inside',
  LAB_ONLY,
  async () => {
    await using bench = await startBench();
    const client = await bench.open();
    const lost = once(client, 'disconnect');
    bench.hub.registry.update(bench.deviceId, { enabled: false });
    await lost;
    const error = await failure(client.open());
    assert.equal(error.name, 'NotConnectedError');
    assert.equal(error.transportError?.code, 5);
  },
);

test(
  'sends in flight fail when the connection ends, though some may have arrived',
  LAB_ONLY,
  async () => {
    await using bench = await startBench();
    bench.cloud.faults.add({ at: 'hub_publish', skip: 10, action: { kind: 'withhold' } });
    const client = await bench.open();
    const sends = Array.from({ length: 15 }, () => client.sendEvent(new Message('x')));
    const settled = Promise.allSettled(sends);
    await bench.hub.messages.waitForTotal(15);
    await Promise.all(sends.slice(0, 10));
    bench.hub.dropConnections();
    const failed = (await settled).filter((result) => result.status === 'rejected');
    assert.equal(failed.length, 5);
    assert.equal((failed[0]?.reason as Error | undefined)?.name, 'NotConnectedError');
  },
);

test('a connection closed in the middle of sends is told as a disconnect', LAB_ONLY, async () => {
  await using bench = await startBench();
  bench.cloud.faults.add({ at: 'hub_publish', skip: 3, count: 1, action: { kind: 'close' } });
  const client = await bench.open();
  const lost = once(client, 'disconnect');
  await failure(Promise.all(Array.from({ length: 5 }, () => client.sendEvent(new Message('x')))));
  await lost;
});

test(
  'a message over 256 KB is refused by the client, a batch is not implemented',
  LAB_ONLY,
  async () => {
    await using bench = await startBench();
    const client = await bench.open();
    await client.sendEvent(new Message(Buffer.alloc(262_144)));
    const tooLarge = await failure(client.sendEvent(new Message(Buffer.alloc(262_145))));
    assert.equal(tooLarge.name, 'MessageTooLargeError');
    const batch = await failure(client.sendEventBatch([new Message('x')]));
    assert.equal(batch.name, 'NotImplementedError');
  },
);

test(
  'a twin read that is throttled with a body loses status and Retry-After',
  LAB_ONLY,
  async () => {
    await using bench = await startBench();
    const client = await bench.open();
    twinFault(bench, {
      at: 'twin_get',
      action: { kind: 'status', status: 429, retryAfter: { seconds: 9 } },
    });
    const error = await failure(client.getTwin());
    assert.equal(error.name, 'Error');
    assert.match(error.message, /fault/);
  },
);

test('a report refused without a body is taken for a success', LAB_ONLY, async () => {
  await using bench = await startBench();
  const client = await bench.open();
  const twin: Twin = await client.getTwin();
  twinFault(bench, { at: 'twin_patch', action: { kind: 'status', status: 400, body: '' } });
  await new Promise<void>((resolve, reject) => {
    twin.properties.reported['update']({ a: 1 }, (error?: Error) =>
      error ? reject(error) : resolve(),
    );
  });
  assert.deepEqual(bench.hub.registry.readTwin(bench.deviceId).reported, {});
});

test('a gateway host name leads to the hub under its own name', LAB_ONLY, async () => {
  await using bench = await startBench();
  const key = bench.connectionString.split('SharedAccessKey=')[1];
  const client = bench.keep(
    makeClient(
      `HostName=hub-a.azure-devices.net;GatewayHostName=${bench.hub.host};` +
        `DeviceId=${bench.deviceId};SharedAccessKey=${key}`,
    ),
  );
  await client.setOptions(bench.trust);
  await client.open();
  await client.sendEvent(new Message('by another name'));
  assert.equal(bench.hub.messages.total, 1);
});

test('a client with the default policy comes back at once after a drop', LAB_ONLY, async () => {
  await using bench = await startBench();
  const client = bench.keep(defaultClient(bench));
  await client.setOptions(bench.trust);
  client.onDeviceMethod('x', () => {});
  await client.open();
  await untilListening(bench.cloud);
  const after = bench.cloud.log.position;
  bench.hub.dropConnections();
  const back = await bench.cloud.log.waitFor('connected', undefined, { after });
  assert.equal(back.sessionPresent, true);
});

function twinFault(bench: Bench, rule: FaultRule): void {
  bench.cloud.faults.add({ ...rule, count: 1 });
}

function defaultClient(bench: Bench): Client {
  const client = azureDevice.Client.fromConnectionString(bench.connectionString, azureMqtt.Mqtt);
  client.on('error', () => {});
  return client;
}

/** The subscription to methods has no answer the client would tell of. */
async function untilListening(cloud: Cloud): Promise<void> {
  const hub = cloud.hub('hub-a');
  await hub
    .invokeMethod('dev-1', 'x', null, { connectTimeoutSeconds: 10, responseTimeoutSeconds: 0.01 })
    .catch((error: unknown) => assert.match(String(error), /504101/));
}

async function failure(promise: Promise<unknown>): Promise<ClientError> {
  try {
    await promise;
  } catch (error) {
    return error as ClientError;
  }
  return assert.fail('it succeeded');
}
