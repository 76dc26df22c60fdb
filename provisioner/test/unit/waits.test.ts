import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import * as fc from 'fast-check';
import { constantRandom, seededRandom } from '@holdfast/kit/testing';
import { fleetWaitMs, hubHoldMs, pollWaitMs, retryAfterWaitMs } from '../../src/core/rules.ts';
import { dateMs, retryAfterMs } from '../../src/adapters/retry-after.ts';
import { isKey, parseConnectionString } from '../../src/core/connection-string.ts';
import { sharedAccessSignature } from '../../src/adapters/sas.ts';
import { reportOf } from '../../src/adapters/redis-store.ts';
import { RULES } from '../fakes/rules.ts';

const random = fc.integer().map((seed) => seededRandom(seed));

describe('waits', () => {
  test('Retry-After is never shortened, and spread behind by no more than itself', () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 86_400_000 }), random, (afterMs, chance) => {
        const waitMs = retryAfterWaitMs(RULES, afterMs, chance);
        assert.ok(waitMs >= afterMs && waitMs <= afterMs + Math.max(1_000, afterMs));
      }),
    );
  });
  test('the fleet formula: from 1 s to (1 / load) * N / cps', () => {
    const fleet = { devices: 5_000, connectionsPerSecond: 10, load: 0.5 };
    const rules = { ...RULES, fleet };
    assert.equal(fleetWaitMs(rules, 1, constantRandom(0)), 1_000);
    assert.equal(fleetWaitMs(rules, 1, constantRandom(1)), 1_000_000);
    assert.equal(fleetWaitMs(rules, 1, constantRandom(0.5)), 500_500);
  });
  test('the fleet formula never asks sooner after more refusals', () => {
    for (let failures = 1; failures < 60; failures += 1) {
      const least = fleetWaitMs(RULES, failures, constantRandom(0));
      assert.ok(least >= 1_000 && least >= fleetWaitMs(RULES, failures - 1, constantRandom(0)));
    }
  });
  test('a busy hub is never tried again within a minute', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 500 }), random, (failures, chance) => {
        const waitMs = hubHoldMs(RULES, failures, chance);
        assert.ok(waitMs >= 60_000 && waitMs <= 900_000);
      }),
    );
  });
  test('polls keep to what DPS says and to what it allows', () => {
    assert.equal(pollWaitMs(undefined), 3_000);
    assert.equal(pollWaitMs(0), 2_000);
    assert.equal(pollWaitMs(20_000), 20_000);
  });
});

describe('Retry-After', () => {
  const nowMs = Date.UTC(2026, 10, 21, 12);
  for (const [header, serverMs, expected] of [
    ['120', undefined, 120_000],
    [' 0 ', undefined, 0],
    ['Sat, 21 Nov 2026 12:01:00 GMT', undefined, 60_000],
    ['Sat, 21 Nov 2026 12:01:00 GMT', nowMs + 45_000, 15_000],
    ['Sat, 21 Nov 2026 11:00:00 GMT', undefined, 0],
    // Thirty days: a number beyond is a mistake of the other side.
    ['99999999999', undefined, 30 * 86_400_000],
    ['Sun, 21 Nov 2126 12:00:00 GMT', undefined, 30 * 86_400_000],
    ['-5', undefined, undefined],
    ['soon', undefined, undefined],
    ['', undefined, undefined],
    [undefined, undefined, undefined],
  ] as const) {
    test(`"${header}" is ${expected} ms`, () => {
      assert.equal(retryAfterMs(header, serverMs, nowMs), expected);
    });
  }
  test('only an HTTP date is a date', () => {
    assert.equal(dateMs('Sat, 21 Nov 2026 12:00:00 GMT'), nowMs);
    for (const text of ['2026', '5', 'Sat, no date', undefined])
      assert.equal(dateMs(text), undefined);
  });
});

describe('a connection string', () => {
  const key = Buffer.alloc(32, 3).toString('base64');
  test('of a device is taken apart, also with a port, blanks and a trailing semicolon', () => {
    const text = `HostName=h.azure-devices.net:8883; DeviceId=a=b ;SharedAccessKey=${key};`;
    assert.deepEqual(parseConnectionString(text), {
      host: 'h.azure-devices.net:8883',
      deviceId: 'a=b',
      sharedAccessKey: key,
    });
  });
  for (const text of [
    '',
    'HostName=h',
    `HostName=h;SharedAccessKeyName=iothubowner;SharedAccessKey=${key}`,
    `HostName=h;DeviceId=d;ModuleId=m;SharedAccessKey=${key}`,
    'HostName=h;DeviceId=d;SharedAccessKey=short',
    'HostName=h;DeviceId=d;x509=true',
  ]) {
    test(`"${text.slice(0, 40)}" is refused without showing what it holds`, () => {
      assert.throws(
        () => parseConnectionString(text),
        (error) => error instanceof RangeError && !error.message.includes(key),
      );
    });
  }
  test('a key is base64 of 16 to 64 bytes', () => {
    for (const bytes of [16, 17, 18, 64]) assert.ok(isKey(Buffer.alloc(bytes).toString('base64')));
    for (const bytes of [0, 15, 65]) assert.ok(!isKey(Buffer.alloc(bytes).toString('base64')));
    assert.ok(!isKey('not base64 at all, is it?'));
  });
});

test('a signature is the one the services compute', () => {
  // HMAC-SHA256 of "h%2Fdevices%2Fd\n1700000000" with the key 000102..0f, computed with openssl.
  const key = Buffer.from([...Array(16).keys()]).toString('base64');
  assert.equal(
    sharedAccessSignature('h/devices/d', key, 1_700_000_000_000),
    'SharedAccessSignature sr=h%2Fdevices%2Fd&sig=nsNIsX1XqUkhuKbkFu%2Fqcz134VfNl%2BJM%2BRZ6FhsIQRI%3D&se=1700000000',
  );
});

describe('a report of the mqtthandler', () => {
  test('is read with how long the connection held', () => {
    const link = {
      state: 'lost',
      generation: '3',
      attempt: '7',
      outcome: 'dropped',
      detail: 'x',
      at_ms: '5000',
      connected_ms: '2000',
    };
    assert.deepEqual(reportOf(link), {
      generation: 3,
      attempt: 7,
      atMs: 5_000,
      state: 'lost',
      outcome: 'dropped',
      detail: 'x',
      heldMs: 3_000,
    });
  });
  test('that is missing or of another kind is none', () => {
    for (const link of [{}, { state: 'dreaming', generation: '1' }, { state: 'failed' }]) {
      assert.equal(reportOf(link), undefined);
    }
  });
});
