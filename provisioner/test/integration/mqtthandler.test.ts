/** Side by side with the real mqtthandler: what the two agreed on in Redis works. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { service, until } from '@holdfast/lab/servers';
import { Bed, REGISTRATION_ID, startTestCloud } from './bed.ts';

test('moved by a direct method, tokens renewed under load: every reading arrives', async () => {
  await using cloud = await startTestCloud();
  await using bed = await Bed.create(cloud);
  bed.start({ HUB_TOKEN_MINUTES: '0.2', HUB_TOKEN_RENEW_MINUTES: '0.1', HUB_RETRY_MINUTES: '1' });
  await using handler = service('mqtthandler', {
    ...bed.redis.env,
    DPS_ID_SCOPE: cloud.dps.idScope,
    HUB_CA_CERTS: cloud.caFile,
    HUB_RECONNECT_SECONDS: '1',
    HUB_INTERVAL_SECONDS: '0',
    BALENA_DEVICE_UUID: 'greenhouse',
  });
  handler.start();
  await bed.untilState('connected');
  let sent = 0;
  const produce = setInterval(() => {
    void bed.redis.client.xadd('measurement:values', '*', 'n', String(sent)).catch(() => {});
    sent += 1;
  }, 50);
  const arrived = () => {
    const bodies = cloud.hubs.flatMap((hub) => hub.messages.all.map(({ body }) => body.toString()));
    const readings = bodies.flatMap((body) => JSON.parse(body) as { readonly n?: string }[]);
    return new Set(readings.flatMap(({ n }) => n ?? []));
  };
  try {
    await until('readings at hub-a', () => arrived().size > 20);
    const attestation = { type: 'symmetricKey', symmetricKey: { primaryKey: bed.key } };
    cloud.dps.enrol({ registrationId: REGISTRATION_ID, iotHubs: ['hub-b'], attestation });
    await cloud.hub('hub-a').invokeMethod(REGISTRATION_ID, 'Reprovision', {});
    await until('the other hub', () => cloud.hub('hub-b').connected === 1, 30_000);
    const { log } = cloud;
    await until(
      'renewals',
      () => log.of('connected').filter(({ hub }) => hub === 'hub-b').length > 2,
      30_000,
    );
  } finally {
    clearInterval(produce);
  }
  await until('every reading', () => arrived().size === sent, 30_000);
  assert.equal(bed.asked('registration').length, 2);
  assert.equal(bed.asked('lookup').length, 0);
  assert.equal(
    cloud.log.of('disconnected').filter(({ reason }) => reason === 'token_expired').length,
    0,
  );
  await bed.untilState('connected');
});
