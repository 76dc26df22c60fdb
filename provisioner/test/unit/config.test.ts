import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { describe, test } from 'node:test';
import { ConfigError, envTableMarkdown } from '@holdfast/kit';
import { ENV, readConfig } from '../../src/config.ts';
import { settingsOf } from '../../src/settings.ts';

const KEY = Buffer.alloc(32, 5).toString('base64');
const DPS = { DPS_ID_SCOPE: '0ne000A0A0A', DPS_REGISTRATION_ID: 'r-1', DPS_SYMMETRIC_KEY: KEY };
const settings = (env: Readonly<Record<string, string>>) => settingsOf(readConfig(env));

function refusal(env: Readonly<Record<string, string>>): string {
  try {
    settings(env);
  } catch (error) {
    assert.ok(error instanceof ConfigError);
    return error.message;
  }
  return assert.fail('not refused');
}

describe('the variables', () => {
  test('none of them is off', () => {
    assert.equal(settings({}).rules.source, 'none');
  });
  test('the rules of the documents are the defaults', () => {
    const { rules, dps } = settings(DPS);
    assert.equal(rules.busy.floorMs, 5_000);
    assert.equal(rules.hubRetryMs, 15 * 60_000);
    assert.equal(rules.intervalMs, 60_000);
    assert.equal(rules.tokenMs, 3_600_000);
    assert.equal(rules.keepsAssignment, true);
    assert.equal(dps?.host, 'global.azure-devices-provisioning.net');
    assert.equal(dps.port, undefined);
  });
  test('an endpoint may carry a port', () => {
    const { dps } = settings({ ...DPS, DPS_ENDPOINT: 'dps.example:8443' });
    assert.deepEqual([dps?.host, dps?.port], ['dps.example', 8_443]);
    for (const bad of ['http://x', 'x:0', 'x:99999', 'x:y', 'a b']) {
      assert.match(refusal({ ...DPS, DPS_ENDPOINT: bad }), /^DPS_ENDPOINT is/);
    }
  });
  test('without a registration id the uuid of the device counts', () => {
    const env = { ...DPS, DPS_REGISTRATION_ID: '', BALENA_DEVICE_UUID: 'abc' };
    assert.equal(settings(env).rules.registrationId, 'abc');
    assert.match(refusal({ ...DPS, DPS_REGISTRATION_ID: '' }), /DPS_REGISTRATION_ID is missing/);
    const words = /"my pi", BALENA_DEVICE_UUID, cannot be a registration id .*set DPS_REG/;
    assert.match(refusal({ ...env, BALENA_DEVICE_UUID: 'my pi' }), words);
  });
  test('what does not fit together is refused in words, without secrets', () => {
    for (const [env, words] of [
      [{ DPS_ID_SCOPE: '0ne' }, /DPS_SYMMETRIC_KEY, or a certificate/],
      [{ ...DPS, HUB_CONNECTION_STRING: 'x' }, /DPS_ID_SCOPE and HUB_CONNECTION_STRING/],
      [{ ...DPS, DPS_SYMMETRIC_KEY: 'geheim' }, /\(hidden\)/],
      [{ ...DPS, DPS_X509_CERTFILE: '/nonexistent/cert.pem' }, /DPS_X509_CERTFILE: ENOENT/],
      [{ ...DPS, DPS_X509_KEYFILE_BASE64: 'Z2VoZWlt' }, /KEYFILE_BASE64 is not a PEM/],
      [{ ...DPS, DPS_CA_CERTS_BASE64: 'eA==' }, /DPS_CA_CERTS_BASE64 is not a PEM/],
      [{ AZURE_HUB_HOST: 'h' }, /AZURE_CERT and AZURE_PRIVATE_KEY/],
      [{ HUB_CONNECTION_STRING: 'HostName=geheim' }, /HUB_CONNECTION_STRING is \(hidden\)/],
      [{ ...DPS, HUB_TOKEN_MINUTES: '10' }, /HUB_TOKEN_RENEW_MINUTES must be shorter/],
      [{ ...DPS, DPS_PAYLOAD: '{' }, /DPS_PAYLOAD is/],
    ] as const) {
      const message = refusal(env);
      assert.match(message, words);
      assert.doesNotMatch(message, /geheim|Z2VoZWlt/);
    }
  });
  test('the fingerprint changes with what DPS judges, and holds no key', () => {
    const { rules } = settings(DPS);
    assert.equal(settings({ ...DPS, DPS_REGISTRATION_ID: 'R-1' }).rules.settings, rules.settings);
    assert.equal(settings({ ...DPS, HUB_RETRY_MINUTES: '20' }).rules.settings, rules.settings);
    for (const more of [
      { DPS_SYMMETRIC_KEY: Buffer.alloc(32, 6).toString('base64') },
      { DPS_REGISTRATION_ID: 'r-2' },
      { DPS_ID_SCOPE: '0ne1' },
      { DPS_ENDPOINT: 'x' },
      { DPS_PAYLOAD: '1' },
    ]) {
      assert.notEqual(settings({ ...DPS, ...more }).rules.settings, rules.settings);
    }
    assert.match(rules.settings, /^[0-9a-f]{12}$/);
  });
  test('the README has their table as it is', () => {
    const readme = readFileSync(new URL('../../README.md', import.meta.url), 'utf8');
    assert.ok(readme.includes(envTableMarkdown(ENV)), envTableMarkdown(ENV));
  });
});
