import assert from 'node:assert/strict';
import { once } from 'node:events';
import { test } from 'node:test';
import type { Message as DeviceMessage, Twin } from 'azure-iot-device';
import { thumbprint } from '../../src/index.ts';
import { LAB_ONLY, Message, makeClient, startBench } from './device-client.ts';

test('the official client connects with a symmetric key and sends', async () => {
  await using bench = await startBench();
  const client = await bench.open();
  const message = new Message(JSON.stringify([{ temperature_celsius: '21.5' }]));
  message.messageId = 'dev-1/1-0';
  asJson(message);
  message.properties.add('lane', 'live & kicking');
  await client.sendEvent(message);
});

test('a message arrives with its properties and its checksum', LAB_ONLY, async () => {
  await using bench = await startBench();
  const client = await bench.open();
  const message = new Message('hello');
  message.messageId = 'm-1';
  message.correlationId = 'c-1';
  asJson(message);
  message.properties.add('lane', 'live & kicking=ü');
  await client.sendEvent(message);
  const received = await bench.hub.messages.waitFor(({ messageId }) => messageId === 'm-1');
  assert.equal(received.body.toString(), 'hello');
  assert.equal(received.sha256, '2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824');
  assert.deepEqual(received.system, {
    '$.mid': 'm-1',
    '$.cid': 'c-1',
    '$.ct': 'application/json;charset=utf-8',
    '$.ce': 'utf-8',
  });
  assert.deepEqual(received.properties, { lane: 'live & kicking=ü' });
  const [connected] = bench.cloud.log.of('connected');
  assert.equal(connected?.apiVersion, '2021-04-12');
  assert.equal(connected?.clean, false);
});

test('1,000 messages in parallel are each acknowledged and logged once', LAB_ONLY, async () => {
  await using bench = await startBench();
  const client = await bench.open();
  const ids = Array.from({ length: 1000 }, (_unused, index) => `m-${index}`);
  await Promise.all(
    ids.map((id) => {
      const message = new Message(`body of ${id}`);
      message.messageId = id;
      return client.sendEvent(message);
    }),
  );
  const received = bench.hub.messages.all.map(({ messageId }) => messageId);
  assert.equal(received.length, ids.length);
  assert.deepEqual(new Set(received), new Set(ids));
});

for (const kind of ['x509_thumbprint', 'x509_ca'] as const) {
  test(`the official client connects with a certificate (${kind})`, LAB_ONLY, async () => {
    await using bench = await startBench();
    const { certificatePem, keyPem } = await bench.cloud.authority.issueDevice('dev-x');
    bench.hub.registry.create({
      deviceId: 'dev-x',
      enabled: true,
      authentication:
        kind === 'x509_ca' ? { kind } : { kind, primary: thumbprint(certificatePem, 'sha256') },
    });
    const client = bench.keep(makeClient(bench.hub.connectionString('dev-x')));
    await client.setOptions({ ...bench.trust, cert: certificatePem, key: keyPem });
    await client.open();
    await client.sendEvent(new Message('by certificate'));
    assert.equal(bench.hub.messages.countOf('dev-x'), 1);
    assert.equal(bench.cloud.log.of('connected')[0]?.attestation, 'x509');
  });
}

test('the twin is read, reported and pushed', LAB_ONLY, async () => {
  await using bench = await startBench();
  bench.hub.registry.patchDesired(bench.deviceId, { config: { interval: 5, name: 'x' } });
  const client = await bench.open();
  const twin: Twin = await client.getTwin();
  assert.equal(twin.properties.desired['config'].interval, 5);
  const changed = new Promise<unknown>((resolve) => {
    twin.on('properties.desired.config', (config: unknown) => {
      if (JSON.stringify(config).includes('7')) resolve(config);
    });
  });
  await report(twin, { config: { interval: { value: 5, outcome: 'ok' } } });
  assert.deepEqual(bench.hub.registry.readTwin(bench.deviceId).reported, {
    config: { interval: { value: 5, outcome: 'ok' } },
  });
  const version = bench.hub.registry.patchDesired(bench.deviceId, {
    config: { interval: 7, name: null },
  });
  // The client shows a deleted property as null.
  assert.deepEqual(await changed, { interval: 7, name: null });
  assert.equal(version, 3);
  assert.equal(bench.cloud.log.of('desired_changed').at(-1)?.pushed, true);
});

test('the twin of the device can be read and reported to', async () => {
  await using bench = await startBench();
  const client = await bench.open();
  const twin: Twin = await client.getTwin();
  await report(twin, { conformance: { checked: true } });
  const again: Twin = await client.getTwin();
  assert.equal(again.properties.reported['conformance'].checked, true);
});

test('a direct method is called and answered', LAB_ONLY, async () => {
  await using bench = await startBench();
  const client = await bench.open();
  client.onDeviceMethod('Reprovision', (request, response) => {
    void response.send(202, { got: request.payload });
  });
  const answer = await bench.hub.invokeMethod(
    bench.deviceId,
    'Reprovision',
    { why: 'test' },
    { connectTimeoutSeconds: 10 },
  );
  assert.deepEqual(answer, { status: 202, payload: { got: { why: 'test' } } });
});

test('a method nobody listens for is 404103', LAB_ONLY, async () => {
  await using bench = await startBench();
  await assert.rejects(bench.hub.invokeMethod(bench.deviceId, 'x'), { code: 404103, status: 404 });
  await bench.open();
  await assert.rejects(bench.hub.invokeMethod(bench.deviceId, 'x'), { code: 404103 });
  await assert.rejects(bench.hub.invokeMethod('nobody', 'x'), { code: 404001 });
});

test('cloud-to-device messages wait for the device and are completed once', LAB_ONLY, async () => {
  await using bench = await startBench();
  bench.hub.sendToDevice(bench.deviceId, {
    body: 'first',
    messageId: 'c2d-1',
    properties: { a: 'b c' },
  });
  const client = bench.make();
  await client.setOptions(bench.trust);
  const got: DeviceMessage[] = [];
  client.on('message', (message: DeviceMessage) => {
    got.push(message);
    void client.complete(message);
  });
  await client.open();
  await bench.cloud.log.waitFor('c2d_completed', (event) => event.messageId === 'c2d-1');
  bench.hub.sendToDevice(bench.deviceId, { body: 'second', messageId: 'c2d-2' });
  await bench.cloud.log.waitFor('c2d_completed', (event) => event.messageId === 'c2d-2');
  assert.deepEqual(
    got.map((message) => Buffer.from(message.getData() as Uint8Array).toString()),
    ['first', 'second'],
  );
  assert.equal(got[0]?.properties.getValue('a'), 'b c');
  assert.equal(got[0]?.messageId, 'c2d-1');
});

test('a token is renewed by the client without losing a message', LAB_ONLY, async () => {
  await using bench = await startBench();
  const client = bench.make();
  await client.setOptions({
    ...bench.trust,
    tokenRenewal: { tokenValidTimeInSeconds: 3, tokenRenewalMarginInSeconds: 2 },
  });
  await client.open();
  let sent = 0;
  while (bench.cloud.log.count('connected') < 3) {
    await client.sendEvent(new Message(`message ${sent}`));
    sent += 1;
  }
  assert.equal(bench.hub.messages.total, sent);
});

test('a second connection of the device ends the first', async () => {
  await using bench = await startBench();
  const first = await bench.open();
  const lost = once(first, 'disconnect');
  const second = await bench.open();
  await lost;
  await second.sendEvent(new Message('the newer one stays'));
});

test('a wrong key is refused with return code 5', async () => {
  await using bench = await startBench();
  const wrongKey = Buffer.from('a key the hub has never seen').toString('base64');
  const connectionString = bench.connectionString.replace(/(SharedAccessKey=).*/, `$1${wrongKey}`);
  const client = bench.keep(makeClient(connectionString));
  await client.setOptions(bench.trust);
  await assert.rejects(client.open(), {
    name: 'UnauthorizedError',
    message: /Connection refused: Not authorized/,
  });
});

test('a key may be used again as soon as its connection is closed', async () => {
  await using bench = await startBench();
  for (let round = 0; round < 3; round += 1) {
    const client = await bench.open();
    await client.sendEvent(new Message(`round ${round}`));
    await client.close();
  }
});

/** As a hub needs it to look into bodies; the types of the package know no parameters. */
function asJson(message: DeviceMessage): void {
  message.contentEncoding = 'utf-8';
  Object.assign(message, { contentType: 'application/json;charset=utf-8' });
}

async function report(twin: Twin, patch: object): Promise<void> {
  await new Promise<void>((resolve, reject) => {
    twin.properties.reported['update'](patch, (error?: Error) =>
      error ? reject(error) : resolve(),
    );
  });
}
