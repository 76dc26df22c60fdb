/** The example of the README does what the README says. */
import { fileURLToPath } from 'node:url';
import { test } from 'node:test';
import assert from 'node:assert/strict';
import { ManagedProcess } from '@holdfast/lab/servers';
import { connectionOf } from '../../src/admin/connection.ts';
import { startTestCloud } from '../conformance/dps-target.ts';

const EXAMPLE = fileURLToPath(new URL('../../example/device.js', import.meta.url));

test('the example registers, sends, answers, and ends when it is moved', async () => {
  await using cloud = await startTestCloud();
  cloud.dps.enrol({ enrollmentGroupId: 'fleet', iotHubs: ['hub-a'] });
  const connection = await connectionOf(cloud, 'rover-1', 'fleet');
  await using device = new ManagedProcess({
    name: 'example',
    command: process.execPath,
    args: [EXAMPLE],
    env: {
      DPS_ENDPOINT: connection.httpsEndpoint,
      DPS_ID_SCOPE: connection.idScope,
      DPS_REGISTRATION_ID: connection.registrationId,
      DPS_SYMMETRIC_KEY: connection.symmetricKey ?? '',
      NODE_EXTRA_CA_CERTS: connection.caFile,
    },
  });
  device.start();
  await device.untilLine(/^sent 1$/);
  const hub = cloud.hub('hub-a');
  assert.equal(hub.messages.countOf('rover-1'), 1);
  const answer = await hub.invokeMethod('rover-1', 'ping', 7, { connectTimeoutSeconds: 10 });
  assert.deepEqual(answer.payload, { pong: 7 });
  hub.sendToDevice('rover-1', { body: 'hello' });
  await device.untilLine(/^told: hello$/);
  cloud.dps.move('rover-1', 'hub-b');
  await device.untilLine(/the hub ended the connection/);
  assert.equal(await device.exited(), 1);
});
