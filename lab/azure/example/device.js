// A device made of nothing but the official packages: registers, connects, sends, answers methods.
// Its configuration is what `holdfast-cloud device` prints. The only line that the real Azure does
// not need is the agent's port.
import { Agent } from 'node:https';
import common from 'azure-iot-common';
import device from 'azure-iot-device';
import deviceMqtt from 'azure-iot-device-mqtt';
import httpBase from 'azure-iot-http-base';
import provisioning from 'azure-iot-provisioning-device';
import provisioningHttp from 'azure-iot-provisioning-device-http';
import symmetricKey from 'azure-iot-security-symmetric-key';

const { DPS_ENDPOINT, DPS_ID_SCOPE, DPS_REGISTRATION_ID, DPS_SYMMETRIC_KEY } = process.env;
const [host, port = '443'] = DPS_ENDPOINT.split(':');

const agent = new Agent();
agent.defaultPort = Number(port);
const base = new httpBase.Http();
base.setOptions({ http: { agent } });

const security = new symmetricKey.SymmetricKeySecurityClient(
  DPS_REGISTRATION_ID,
  DPS_SYMMETRIC_KEY,
);
const dps = provisioning.ProvisioningDeviceClient.create(
  host,
  DPS_ID_SCOPE,
  new provisioningHttp.Http(base),
  security,
);
const { assignedHub, deviceId, substatus } = await dps.register();
agent.destroy();
console.log(`assigned to ${assignedHub} as ${deviceId}: ${substatus}`);

const client = device.Client.fromConnectionString(
  `HostName=${assignedHub};DeviceId=${deviceId};SharedAccessKey=${DPS_SYMMETRIC_KEY}`,
  deviceMqtt.Mqtt,
);
// A policy of your own belongs here; the default one hides what is going on.
client.setRetryPolicy(new common.NoRetry());
client.on('disconnect', () => {
  console.log('the hub ended the connection');
  process.exit(1);
});
client.onDeviceMethod('ping', (request, response) => {
  console.log('called');
  response.send(200, { pong: request.payload }, () => {});
});
client.on('message', (message) => {
  console.log(`told: ${message.getData()}`);
  client.complete(message, () => {});
});
await client.open();
console.log('connected');
for (let count = 1; ; count += 1) {
  await client.sendEvent(new device.Message(JSON.stringify({ count })));
  console.log(`sent ${count}`);
  await new Promise((resolve) => setTimeout(resolve, 2_000));
}
