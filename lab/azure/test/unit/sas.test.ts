import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createSas, deriveDeviceKey, verifySas } from '../../src/sas.ts';

const KEY = Buffer.from('a key of the hub, sixteen bytes and more').toString('base64');
const OTHER = Buffer.from('another key, also long enough for the hub').toString('base64');
const NOW_MS = 1_700_000_000_000;
const AUDIENCES = ['hub-a/devices/Dev-1'];
const check = (token: string, keys = [KEY], nowMs = NOW_MS) =>
  verifySas(token, { audiences: AUDIENCES, keys, nowMs });
const token = (resource: string, key = KEY) =>
  createSas({ resource, key, expiresSeconds: NOW_MS / 1000 + 60 });

test('a token counts whether its resource is encoded or plain, in whatever case', () => {
  for (const resource of [
    'hub-a/devices/Dev-1',
    'hub-a%2Fdevices%2FDev-1',
    'HUB-A%2fdevices%2fdev-1',
  ]) {
    const verdict = check(token(resource));
    assert.deepEqual(verdict, { ok: true, expiresMs: NOW_MS + 60_000, policy: undefined });
  }
});

test('each of the keys may have signed', () => {
  assert.equal(check(token('hub-a/devices/Dev-1', OTHER), [KEY, OTHER]).ok, true);
});

test('what is wrong with a token is told apart', () => {
  const good = token('hub-a/devices/Dev-1');
  const reason = (verdict: ReturnType<typeof check>) => (verdict.ok ? 'ok' : verdict.reason);
  assert.equal(reason(check(good, [OTHER])), 'bad_signature');
  assert.equal(reason(check(token('hub-b/devices/Dev-1'))), 'wrong_audience');
  assert.equal(reason(check(good, [KEY], NOW_MS + 60_000)), 'expired');
  assert.equal(reason(check(good.replace(/se=\d+/, 'se=soon'))), 'malformed');
  assert.equal(reason(check(good.replace(/sr=[^&]+/, 'sr=%E0%A4%A'))), 'wrong_audience');
  for (const text of [
    '',
    'SharedAccessSignature ',
    'Bearer x',
    'SharedAccessSignature sr&sig&se',
  ]) {
    assert.equal(reason(check(text)), 'malformed');
  }
});

test('a token whose expiry was changed afterwards is badly signed', () => {
  const later = token('hub-a/devices/Dev-1').replace(/se=\d+/, 'se=1900000000');
  assert.deepEqual(check(later), { ok: false, reason: 'bad_signature' });
});

test('the key of a device follows from the key of its group', () => {
  // RFC 4231, test case 2.
  const key = deriveDeviceKey(
    Buffer.from('Jefe').toString('base64'),
    'what do ya want for nothing?',
  );
  assert.equal(
    Buffer.from(key, 'base64').toString('hex'),
    '5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843',
  );
});
