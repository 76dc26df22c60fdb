/**
 * MQTT over WebSockets with the official clients. They insist on port 443; in the tests an agent
 * leads them to the port of the lab.
 */
import assert from 'node:assert/strict';
import { Agent, get } from 'node:https';
import { test } from 'node:test';
import { connect } from 'node:tls';
import azureMqtt from 'azure-iot-device-mqtt';
import azureDps from 'azure-iot-provisioning-device';
import azureDpsMqtt from 'azure-iot-provisioning-device-mqtt';
import azureMqttBase from 'azure-iot-mqtt-base';
import azureKey from 'azure-iot-security-symmetric-key';
import type { Cloud } from '../../src/index.ts';
import { LAB_ONLY, Message, makeClient, startBench } from './device-client.ts';

/** Leads every connection to the lab's HTTPS port. */
function detour(cloud: Cloud, own: { readonly cert?: string; readonly key?: string } = {}): Agent {
  const agent = new Agent({ ca: cloud.ca });
  return Object.assign(agent, {
    createConnection: (options: object) =>
      connect({ ...options, ...own, host: '127.0.0.1', port: cloud.dps.httpsPort, ca: cloud.ca }),
  });
}

test('the official device client sends over WebSockets', LAB_ONLY, async () => {
  await using bench = await startBench();
  const key = bench.connectionString.split('SharedAccessKey=')[1];
  const client = bench.keep(
    makeClient(
      `HostName=hub-a.azure-devices.net;DeviceId=${bench.deviceId};SharedAccessKey=${key}`,
      azureMqtt.MqttWs,
    ),
  );
  await client.setOptions({ ...bench.trust, mqtt: { webSocketAgent: detour(bench.cloud) } });
  await client.open();
  await client.sendEvent(new Message('over a WebSocket'));
  await client.sendEvent(new Message(Buffer.alloc(200_000)));
  assert.deepEqual(
    bench.hub.messages.all.map(({ bytes }) => bytes),
    [16, 200_000],
  );
});

test('the official device client shows its certificate under a WebSocket', LAB_ONLY, async () => {
  await using bench = await startBench();
  const { certificatePem: cert, keyPem: key } = await bench.cloud.authority.issueDevice('dev-x');
  const authentication = { kind: 'x509_ca' } as const;
  bench.hub.registry.create({ deviceId: 'dev-x', enabled: true, authentication });
  const client = bench.keep(
    makeClient('HostName=hub-a.azure-devices.net;DeviceId=dev-x;x509=true', azureMqtt.MqttWs),
  );
  const mqtt = { webSocketAgent: detour(bench.cloud, { cert, key }) };
  await client.setOptions({ ...bench.trust, cert, key, mqtt });
  await client.open();
  await client.sendEvent(new Message('by certificate'));
  assert.equal(bench.hub.messages.countOf('dev-x'), 1);
});

test('the official provisioning client registers over WebSockets', LAB_ONLY, async () => {
  await using bench = await startBench();
  const { cloud } = bench;
  const key = Buffer.from('the key of the device of this test').toString('base64');
  cloud.dps.settings.retryAfterSeconds = 0;
  cloud.dps.enrol({
    registrationId: 'rover-1',
    attestation: { type: 'symmetricKey', symmetricKey: { primaryKey: key, secondaryKey: key } },
  });
  const base = new azureMqttBase.MqttBase();
  base.setOptions({ ca: cloud.ca, mqtt: { webSocketAgent: detour(cloud) } });
  const client = azureDps.ProvisioningDeviceClient.create(
    'global.azure-devices-provisioning.net',
    cloud.dps.idScope,
    new azureDpsMqtt.MqttWs(base),
    new azureKey.SymmetricKeySecurityClient('rover-1', key),
  );
  const registered = await client.register();
  assert.equal(registered?.status, 'assigned');
});

test('any other path is not found', LAB_ONLY, async () => {
  await using bench = await startBench();
  const status = await new Promise((resolve, reject) => {
    const headers = { connection: 'Upgrade', upgrade: 'websocket' };
    const options = { host: '127.0.0.1', port: bench.cloud.dps.httpsPort, ca: bench.cloud.ca };
    get({ ...options, path: '/chat', headers }, (response) => resolve(response.statusCode)).on(
      'error',
      reject,
    );
  });
  assert.equal(status, 404);
});
