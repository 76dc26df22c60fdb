import assert from 'node:assert/strict';
import { generateKeyPairSync } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { ConfigError, envTableMarkdown } from '@holdfast/kit';
import { ENV, deviceOf, readConfig, readTls } from '../../src/config.ts';

const PEM = '-----BEGIN CERTIFICATE-----\nMA==\n-----END CERTIFICATE-----\n';
const base64 = (text: string) => Buffer.from(text).toString('base64');

test('the README shows the environment variables as they are', () => {
  const readme = readFileSync(new URL('../../README.md', import.meta.url), 'utf8');
  assert.ok(readme.includes(envTableMarkdown(ENV)), envTableMarkdown(ENV));
});

test('nothing set is a configuration: no broker, the device has a name of its own', () => {
  const config = readConfig({});
  assert.equal(config.MQTT_HOST, undefined);
  assert.match(deviceOf(config).uuid, /^local-./);
  assert.deepEqual(Object.values(readTls(config)).filter(Boolean), []);
});

test('what is set but empty counts as not set', () => {
  assert.deepEqual(readConfig({ MQTT_HOST: '', MQTT_PORT: ' ' }), readConfig({}));
});

test('all faults are named at once, secrets are not shown', () => {
  const env = {
    MQTT_PORT: '70000',
    MQTT_KEEPALIVE_SECONDS: 'soon',
    MQTT_IN_FLIGHT: '0',
    MQTT_TLS_ENABLE: 'perhaps',
    MQTT_TOPIC_VALUES: 'a/#',
    LANES: '3',
    BALENA_DEVICE_UUID: 'a/b',
  };
  assert.throws(
    () => readConfig(env),
    (error) =>
      error instanceof ConfigError &&
      Object.keys(env).every((name) => error.message.includes(name)),
  );
});

test('certificates come from variables as base64, which win over files', () => {
  const config = readConfig({
    MQTT_TLS_CA_CERTS: '/does/not/exist',
    MQTT_TLS_CA_CERTS_BASE64: base64(PEM),
  });
  assert.equal(readTls(config).ca?.toString(), PEM);
});

for (const [name, env, pattern] of [
  ['a file that is not there', { MQTT_TLS_CA_CERTS: '/no/such' }, /MQTT_TLS_CA_CERTS.*\/no\/such/],
  ['no base64', { MQTT_TLS_CERTFILE_BASE64: 'hello' }, /MQTT_TLS_CERTFILE_BASE64/],
  ['a certificate without its key', { MQTT_TLS_CERTFILE_BASE64: base64(PEM) }, /go together/],
  ['a key without its certificate', { MQTT_TLS_KEYFILE_BASE64: base64(PEM) }, /go together/],
] as const) {
  test(`${name} is a fault of the configuration`, () => {
    assert.throws(() => readTls(readConfig(env)), { name: 'ConfigError', message: pattern });
  });
}

for (const address of ['http://127.0.0.1:99999', 'http://[::1', 'http://host:port', '127.0.0.1']) {
  test(`the supervisor at ${address} is a fault of the configuration`, () => {
    assert.throws(() => readConfig({ BALENA_SUPERVISOR_ADDRESS: address }), {
      name: 'ConfigError',
      message: /BALENA_SUPERVISOR_ADDRESS/,
    });
  });
}

test('the supervisor is asked at its address, with a path or without', () => {
  for (const [address, expected] of [
    ['http://127.0.0.1:48484', 'http://127.0.0.1:48484/'],
    ['http://[::1]:48484/a', 'http://[::1]:48484/a'],
  ] as const) {
    const config = readConfig({ BALENA_SUPERVISOR_ADDRESS: address });
    assert.equal(config.BALENA_SUPERVISOR_ADDRESS, expected);
  }
});

test('a private key given for the public one is refused and not shown', () => {
  const pair = generateKeyPairSync('ed25519');
  const pem = pair.privateKey.export({ type: 'pkcs8', format: 'pem' }).toString();
  const der = pair.privateKey.export({ type: 'pkcs8', format: 'der' }).toString('base64');
  for (const key of [pem, der]) {
    assert.throws(
      () => readConfig({ COMMAND_PUBLIC_KEY: key }),
      (error) =>
        error instanceof ConfigError &&
        error.message.includes('COMMAND_PUBLIC_KEY is (hidden)') &&
        !error.message.includes(der.slice(20, 30)),
    );
  }
});
