/** Credentials, encryption, and configuration that cannot work. */
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { promisify } from 'node:util';
import { freePort, service, startMosquitto, startRedis, until } from '@holdfast/lab/servers';
import { startReceiver } from './receiver.ts';

const run = promisify(execFile);
const TOPIC = 'iot-projekt/device/secure/values';

/** An authority, a broker's and a client's certificate of it, and an authority of somebody else. */
async function certificates() {
  const dir = await mkdtemp(join(tmpdir(), 'holdfast-tls-'));
  const openssl = (line: string) => run('openssl', line.split(' '), { cwd: dir });
  const key = '-newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes';
  await writeFile(join(dir, 'san'), 'subjectAltName=DNS:localhost,IP:127.0.0.1\n');
  for (const ca of ['ca', 'other']) {
    const files = `-keyout ${ca}.key -out ${ca}.pem`;
    await openssl(`req -x509 ${key} ${files} -days 2 -subj /CN=${ca}`);
  }
  for (const name of ['broker', 'client']) {
    await openssl(`req ${key} -keyout ${name}.key -out ${name}.csr -subj /CN=${name}`);
    const by = '-CA ca.pem -CAkey ca.key -CAcreateserial -extfile san';
    await openssl(`x509 -req -in ${name}.csr ${by} -days 2 -out ${name}.pem`);
  }
  return {
    path: (file: string) => join(dir, file),
    base64: async (file: string) => (await readFile(join(dir, file))).toString('base64'),
    [Symbol.asyncDispose]: () => rm(dir, { recursive: true, force: true }),
  };
}

async function startSecure(config: readonly string[]) {
  const redis = await startRedis();
  const broker = await startMosquitto({ config });
  return {
    redis,
    broker,
    /** A handler for this broker with further variables. */
    handler: (env: Readonly<Record<string, string>>) =>
      service('mqtthandler', {
        ...redis.env,
        MQTT_HOST: '127.0.0.1',
        MQTT_PORT: String(broker.port),
        BALENA_DEVICE_UUID: 'secure',
        ...env,
      }),
    [Symbol.asyncDispose]: async () => {
      await broker[Symbol.asyncDispose]();
      await redis[Symbol.asyncDispose]();
    },
  };
}

test('TLS with an authority of our own and a client certificate, from files and from variables; a foreign authority is refused', async () => {
  await using pem = await certificates();
  const port = await freePort();
  const config = [
    'allow_anonymous true',
    'per_listener_settings false',
    `listener ${port} 127.0.0.1`,
    `cafile ${pem.path('ca.pem')}`,
    `certfile ${pem.path('broker.pem')}`,
    `keyfile ${pem.path('broker.key')}`,
    'require_certificate true',
  ];
  await using bed = await startSecure(config);
  await using receiver = await startReceiver(bed.broker.port, TOPIC);
  const tls = { MQTT_TLS_ENABLE: 'true', MQTT_PORT: String(port) };
  const client = {
    MQTT_TLS_CERTFILE: pem.path('client.pem'),
    MQTT_TLS_KEYFILE: pem.path('client.key'),
  };
  const ways = [
    { ...client, MQTT_TLS_CA_CERTS: pem.path('ca.pem') },
    {
      MQTT_TLS_CA_CERTS_BASE64: await pem.base64('ca.pem'),
      MQTT_TLS_CERTFILE_BASE64: await pem.base64('client.pem'),
      MQTT_TLS_KEYFILE_BASE64: await pem.base64('client.key'),
    },
  ];
  for (const [i, env] of ways.entries()) {
    await bed.redis.client.xadd('measurement:values', '*', 'way', String(i));
    await using handler = bed.handler({ ...tls, ...env });
    handler.start();
    await until(`way ${i} arrives`, () => receiver.readings.size === i + 1);
    assert.equal(await handler.stop(), 0);
  }
  for (const env of [{ ...client, MQTT_TLS_CA_CERTS: pem.path('other.pem') }, client]) {
    await using handler = bed.handler({ ...tls, ...env });
    handler.start();
    await handler.untilLine(/"connect_failed".*certificate/);
  }
  await using handler = bed.handler({ ...tls, ...client, MQTT_TLS_INSECURE: 'true' });
  handler.start();
  await handler.untilLine(/"tls_insecure"/);
  await handler.untilLine(/"link_up"/);
});

test('user and password are in the first CONNECT; wrong ones are retried slowly with a clear reason', async () => {
  await using pem = await certificates();
  await run('mosquitto_passwd', ['-b', '-c', pem.path('users'), 'device', 'secret word']);
  const config = ['allow_anonymous false', `password_file ${pem.path('users')}`];
  await using bed = await startSecure(config);
  const login = { MQTT_USERNAME: 'device', MQTT_PASSWORD: 'secret word' };
  await bed.redis.client.xadd('measurement:values', '*', 'a', 'b');

  await using right = bed.handler(login);
  right.start();
  await right.untilLine(/"link_up"/);
  assert.ok(right.lines.every((line) => !line.includes('connect_failed')));
  assert.ok(right.lines.every((line) => !line.includes('secret word')));
  await right.stop();

  await using wrong = bed.handler({ ...login, MQTT_PASSWORD: 'guess' });
  wrong.start();
  const line = await wrong.untilLine(/"connect_failed"/);
  const fields = JSON.parse(line) as { code: string; delayMs: number };
  assert.match(fields.code, /^(not_authorized|bad_user_name_or_password)$/);
  assert.ok(fields.delayMs >= 30_000);
  const error = await until('it is in the status', async () => {
    return (await bed.redis.client.hget('mqtthandler:status', 'mqtt_last_error')) || undefined;
  });
  assert.match(error, /refused/);
  assert.equal(await wrong.stop(), 0);
});

test('configuration that cannot work ends with 78 and one line that names every fault', async () => {
  const handler = service('mqtthandler', {
    MQTT_PORT: 'x',
    LANES: '7',
    MQTT_PASSWORD: 'secret word',
  });
  handler.start();
  assert.equal(await handler.exited(), 78);
  assert.equal(handler.lines.length, 1);
  assert.match(handler.lines[0] ?? '', /MQTT_PORT is "x".*LANES is "7"/);

  const missing = service('mqtthandler', { MQTT_TLS_CA_CERTS: '/no/such/file' });
  missing.start();
  assert.equal(await missing.exited(), 78);
  assert.match(missing.lines[0] ?? '', /MQTT_TLS_CA_CERTS.*\/no\/such\/file/);
});

test('without a broker in the configuration it waits for SIGTERM and ends with 0', async () => {
  await using redis = await startRedis();
  await using handler = service('mqtthandler', { ...redis.env });
  handler.start();
  await handler.untilLine(/"started"/);
  assert.equal(await handler.stop(), 0);
});
