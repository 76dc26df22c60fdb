/**
 * The local Azure cloud under 2,000 devices of our own making: registration, connection, messages,
 * and what each connected device costs it in memory. Devices and cloud share the machine, so its
 * rates are those of both together.
 */
import { fork } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { connectMqtt, createSas, deriveDeviceKey, hubConnect, newKey } from '@holdfast/azure-lab';
import type { MqttDevice } from '@holdfast/azure-lab';
import type { CloudReport } from './cloud-server.ts';
import { row } from './bed.ts';

const DEVICES = Number(process.env['BENCH_DEVICES'] ?? 2_000);
/** TLS handshakes at a time. */
const AT_ONCE = 50;
const MESSAGES = 40_000;
const EXPIRES_SECONDS = Date.now() / 1_000 + 3_600;

interface Assigned {
  readonly deviceId: string;
  readonly key: string;
  readonly host: string;
}

export async function benchCloud(): Promise<void> {
  console.log(`\nThe local Azure cloud with ${DEVICES} devices, TLS on loopback, one process`);
  const groupKey = newKey();
  const server = fork(fileURLToPath(new URL('cloud-server.ts', import.meta.url)), {
    execArgv: ['--import', 'tsx', '--expose-gc'],
    env: { ...process.env, GROUP_KEY: groupKey },
  });
  const [start] = (await once(server, 'message')) as [CloudReport];
  const ids = Array.from({ length: DEVICES }, (_, index) => `device-${index}`);
  const register = (id: string) => registered(id, deriveDeviceKey(groupKey, id), start);
  const assigned = await timed(
    'registrations over MQTT (handshake, register, poll)',
    ids,
    register,
  );
  const devices = await timed('connections to the hubs', assigned, (one) => connected(one, start));
  await Promise.all(devices.map((device) => device.subscribe('$iothub/methods/POST/#')));
  const full = await report(server);
  row('connected at the same time', `${full.connected} devices`);
  // From the empty cloud: what handshakes left behind in the meantime is taken again by the next ones.
  const resident = perDevice(full.residentMb - start.residentMb);
  const heap = perDevice(full.heapMb - start.heapMb);
  row('memory of a device, registered and connected', `${resident} resident, ${heap} on the heap`);
  row(
    'the whole cloud',
    `${full.residentMb.toFixed(0)} MB (${start.residentMb.toFixed(0)} MB empty)`,
  );
  await sendAll(devices, server, assigned);
  await Promise.all(devices.map((device) => device.close()));
  server.send('close');
  await once(server, 'exit');
}

async function sendAll(
  devices: readonly MqttDevice[],
  server: ChildProcess,
  assigned: readonly Assigned[],
): Promise<void> {
  const before = await report(server);
  const body = JSON.stringify([{ temperature_celsius: '21.53', humidity_percent: '45.20' }]);
  const startMs = performance.now();
  const each = Math.ceil(MESSAGES / devices.length);
  await Promise.all(
    devices.map(async (device, index) => {
      const topic = `devices/${assigned[index]?.deviceId}/messages/events/`;
      for (let count = 0; count < each; count += 1) await device.publish(topic, body);
    }),
  );
  const seconds = (performance.now() - startMs) / 1_000;
  const after = await report(server);
  const messages = after.messages - before.messages;
  const micros = ((after.cpuMs - before.cpuMs) * 1_000) / messages;
  row(
    'messages of QoS 1, all devices sending one after the other',
    `${(messages / seconds).toFixed(0)}/s, ${micros.toFixed(0)} us CPU of the cloud each`,
  );
}

/** Runs `work` for each, {@link AT_ONCE} at a time, and prints how many a second. */
async function timed<T, R>(
  label: string,
  items: readonly T[],
  work: (item: T) => Promise<R>,
): Promise<R[]> {
  const results: R[] = [];
  const startMs = performance.now();
  let next = 0;
  const worker = async () => {
    for (let index = next++; index < items.length; index = next++) {
      results[index] = await work(items[index] as T);
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, worker));
  const seconds = (performance.now() - startMs) / 1_000;
  row(label, `${(items.length / seconds).toFixed(0)}/s (${AT_ONCE} at a time)`);
  return results;
}

async function registered(id: string, key: string, cloud: CloudReport): Promise<Assigned> {
  const resource = `${cloud.idScope}/registrations/${id}`;
  const sas = { resource, key, expiresSeconds: EXPIRES_SECONDS, policy: 'registration' };
  const device = await connectMqtt({
    port: cloud.dpsPort,
    ca: cloud.ca,
    connect: {
      clientId: id,
      username: `${resource}/api-version=2019-03-31`,
      password: Buffer.from(createSas(sas)),
    },
  });
  await device.subscribe('$dps/registrations/res/#');
  const ask = async (topic: string, body: string) => {
    const answer = new Promise<string>((resolve) => {
      device.onPublish = ({ payload }) => resolve(payload.toString());
    });
    await device.publish(`$dps/registrations/${topic}`, body);
    return JSON.parse(await answer) as {
      operationId: string;
      registrationState?: { assignedHub?: string };
    };
  };
  let answer = await ask('PUT/iotdps-register/?$rid=1', JSON.stringify({ registrationId: id }));
  for (let rid = 2; answer.registrationState?.assignedHub === undefined; rid += 1) {
    const operation = `$rid=${rid}&operationId=${answer.operationId}`;
    answer = await ask(`GET/iotdps-get-operationstatus/?${operation}`, ' ');
  }
  await device.close();
  return { deviceId: id, key, host: answer.registrationState.assignedHub };
}

async function connected(device: Assigned, cloud: CloudReport): Promise<MqttDevice> {
  const port = Number(device.host.split(':')[1]);
  const login = hubConnect({ ...device, expiresSeconds: EXPIRES_SECONDS });
  return connectMqtt({ port, ca: cloud.ca, connect: { ...login, keepalive: 1_000 } });
}

async function report(server: ChildProcess): Promise<CloudReport> {
  server.send('report');
  const [answer] = (await once(server, 'message')) as [CloudReport];
  return answer;
}

function perDevice(megabytes: number): string {
  return `${((megabytes * 1_024) / DEVICES).toFixed(1)} KB`;
}
