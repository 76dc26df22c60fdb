/** The pure parts of the hub destination: credentials, refusals, metering blocks, what goes by wire. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import * as fc from 'fast-check';
import { fillingCount, messageBytes, patienceMs } from '../../src/core/hub/blocks.ts';
import { connectOutcome } from '../../src/core/hub/classify.ts';
import { isRenewed, parseCredentials, targetOf } from '../../src/core/hub/credentials.ts';
import {
  ANY_METHOD,
  MAX_MESSAGE_BYTES,
  PROPERTY_BYTES,
  commandOfMethod,
  messageId,
  statusOfAnswer,
  tame,
  twinFailure,
} from '../../src/core/hub/wire.ts';

const SAS = {
  generation: '3',
  host: 'hub.example:8883',
  device_id: 'd1',
  kind: 'sas',
  sas_token: 'SharedAccessSignature sr=x&sig=y&se=1',
  expires_ms: '1700000000000',
  not_before_ms: '5',
};
const bytes = (text: string) => new TextEncoder().encode(text);

describe('credentials', () => {
  test('of both kinds are read', () => {
    assert.deepEqual(parseCredentials(SAS), {
      generation: '3',
      host: 'hub.example:8883',
      deviceId: 'd1',
      auth: { kind: 'sas', token: SAS.sas_token, expiresMs: 1_700_000_000_000 },
      notBeforeMs: 5,
    });
    const x509 = parseCredentials({ ...SAS, kind: 'x509', certfile: '/c.pem', keyfile: '' });
    assert.deepEqual(x509?.auth, { kind: 'x509', certFile: '/c.pem', keyFile: undefined });
  });

  for (const gone of ['host', 'device_id', 'kind', 'sas_token'] as const) {
    test(`without ${gone} are none`, () => {
      assert.equal(parseCredentials({ ...SAS, [gone]: '' }), undefined);
    });
  }

  test('that make no sense are none, and times that make none are absent', () => {
    assert.equal(parseCredentials({}), undefined);
    assert.equal(parseCredentials({ ...SAS, kind: 'tpm' }), undefined);
    const odd = parseCredentials({ ...SAS, expires_ms: 'soon', not_before_ms: '-1' });
    assert.equal(odd?.notBeforeMs, 0);
  });

  test('tell a new token from another place', () => {
    const [a, b] = [parseCredentials(SAS), parseCredentials({ ...SAS, sas_token: 'other' })];
    assert.ok(a !== undefined && b !== undefined);
    assert.ok(isRenewed(a, b));
    assert.ok(!isRenewed(a, { ...a, notBeforeMs: 9 }));
    assert.equal(targetOf(a), targetOf(b));
    const x509 = parseCredentials({ ...SAS, kind: 'x509', certfile: '/a' });
    assert.ok(x509 !== undefined);
    assert.ok(isRenewed(x509, { ...x509, auth: { ...x509.auth, certFile: '/b' } as never }));
    for (const name of ['generation', 'host', 'device_id'] as const) {
      const moved = parseCredentials({ ...SAS, [name]: 'x' });
      assert.ok(moved !== undefined && targetOf(moved) !== targetOf(a), name);
    }
  });
});

const SDK = 'Failure on first connection (Not authorized): ';
for (const [code, message, outcome] of [
  [5, 'Connection refused: Not authorized', 'connack_5'],
  [3, '', 'connack_3'],
  [1, 'Connection refused: Unacceptable protocol version', 'connack_1'],
  [undefined, `${SDK}Connection refused: Not authorized`, 'connack_5'],
  [undefined, `${SDK}Connection refused: Bad username or password`, 'connack_4'],
  [undefined, `${SDK}Connection refused: Server unavailable`, 'connack_3'],
  [undefined, `${SDK}Connection refused: Identifier rejected`, 'connack_2'],
  [undefined, `${SDK}connect ECONNREFUSED 127.0.0.1:8883`, 'network'],
  [undefined, `${SDK}Unable to establish a connection`, 'network'],
  ['ECONNREFUSED', 'connect ECONNREFUSED', 'network'],
  ['ENOTFOUND', 'getaddrinfo ENOTFOUND hub', 'network'],
  ['ETIMEDOUT', 'connect ETIMEDOUT', 'timeout'],
  ['SELF_SIGNED_CERT_IN_CHAIN', 'self-signed certificate', 'network'],
  [0, 'x', 'network'],
  [6, 'x', 'network'],
  [1.5, 'x', 'network'],
] as const) {
  test(`a refusal with code ${code} and "${message}" is ${outcome}`, () => {
    assert.equal(connectOutcome(code, message), outcome);
  });
}

describe('metering blocks', () => {
  const sizes = fc.array(fc.integer({ min: 1, max: 3_000 }), { maxLength: 80 });
  const block = fc.constantFrom(512, 4_096);

  test('are filled as far as whole readings go, and none is begun in vain', () => {
    fc.assert(
      fc.property(sizes, block, (all, blockBytes) => {
        const count = fillingCount(all, blockBytes, 200);
        assert.ok(count >= Math.min(1, all.length) && count <= all.length);
        if (count === all.length) return;
        const whole = Math.floor(messageBytes(all, 200) / blockBytes) * blockBytes;
        const sent = messageBytes(all.slice(0, count), 200);
        assert.ok(sent <= whole, 'no further block is begun');
        assert.ok(messageBytes(all.slice(0, count + 1), 200) > whole, 'one more did not fit');
      }),
    );
  });

  test('are counted with brackets, commas and properties', () => {
    const readings = [{ a: 1 }, { b: 'x' }].map((reading) => JSON.stringify(reading));
    const body = `[${readings.join(',')}]`;
    const counted = messageBytes(
      readings.map(({ length }) => length),
      10,
    );
    assert.equal(counted, body.length + 10);
  });

  test('what fills none waits no longer than the interval, however the clock jumps', () => {
    fc.assert(
      fc.property(fc.nat(2e9), fc.nat(2e9), fc.nat(3_600_000), (storedMs, nowMs, intervalMs) => {
        const waitMs = patienceMs(storedMs, nowMs, intervalMs);
        assert.ok(waitMs >= 0 && waitMs <= intervalMs);
      }),
    );
    assert.equal(patienceMs(1_000, 1_400, 1_000), 600);
  });
});

describe('what the hub sends', () => {
  const passed = (topic: string, body: string) => {
    const tamed = tame(topic, bytes(body));
    assert.ok(typeof tamed === 'object');
    return tamed;
  };

  test('a method of any name arrives as one, with name and text', () => {
    for (const [name, body] of [
      ['Reprovision', '{"a":1}'],
      ['a%20b', 'no json'],
      ['%zz', ''],
    ] as const) {
      const { topic, payload } = passed(`$iothub/methods/POST/${name}/?$rid=7&x=1`, body);
      assert.equal(topic, `$iothub/methods/POST/${ANY_METHOD}/?$rid=7&x=1`);
      const { name: told, text } = JSON.parse(payload) as Record<string, string>;
      assert.equal(told, name === '%zz' ? name : decodeURIComponent(name));
      assert.equal(text, body);
    }
  });

  test('an answer about the twin is a failure when its status says so, whatever its body', () => {
    for (const status of [400, 404, 429, 500, 503]) {
      for (const body of ['', '{}', '<html>', '{"errorCode":1,"message":"x"}']) {
        const topic = `$iothub/twin/res/${status}/?$rid=1&retry-after=9`;
        const { payload } = passed(topic, body);
        const { errorCode, message } = JSON.parse(payload) as {
          errorCode: number;
          message: string;
        };
        assert.ok(errorCode > 0);
        assert.deepEqual(twinFailure(message), { status, retryAfterMs: 9_000 });
      }
    }
    const { payload } = passed('$iothub/twin/res/200/?$rid=1', '<html>');
    const { message } = JSON.parse(payload) as { message: string };
    assert.deepEqual(twinFailure(message), { status: 502, retryAfterMs: 0 });
    assert.equal(twinFailure('no answer in 30000 ms'), undefined);
  });

  test('everything else is left as it is; what no SDK can read is dropped', () => {
    const asItIs: [string, string][] = [
      ['$iothub/twin/res/200/?$rid=1', '{"desired":{}}'],
      ['$iothub/twin/res/204/?$rid=1&$version=5', ''],
      ['$iothub/twin/PATCH/properties/desired/?$version=2', '{"a":1}'],
      ['devices/d/messages/devicebound/x', 'anything'],
    ];
    for (const [topic, body] of asItIs) assert.equal(tame(topic, bytes(body)), 'as_it_is');
    assert.equal(tame('$iothub/twin/PATCH/properties/desired/?$version=2', bytes('{')), undefined);
  });

  test('nothing it can send throws', () => {
    const topics = fc.oneof(
      fc.string({ unit: 'binary' }),
      fc.string({ unit: 'binary' }).map((text) => `$iothub/methods/POST/${text}`),
      fc.string({ unit: 'binary' }).map((text) => `$iothub/twin/res/${text}`),
    );
    fc.assert(
      fc.property(topics, fc.uint8Array(), (topic, body) => void tame(topic, body)),
      { numRuns: 1_000 },
    );
  });
});

describe('a method', () => {
  test('is a command of its name, whatever its members say', () => {
    const method = (text: string) => commandOfMethod({ name: 'Get_Config', text });
    assert.deepEqual(method('{"key":"k","command":"reboot"}'), { key: 'k', command: 'Get_Config' });
    for (const nothing of ['', ' ', 'null', '{}']) {
      assert.deepEqual(method(nothing), { command: 'Get_Config' });
    }
    for (const bad of ['5', '[1]', '"x"', '{', 'true']) {
      assert.deepEqual(method(bad), bytes(bad), 'the engine refuses it in its own words');
    }
    const envelope = { signed: 'e30=', signature: 'AA==' };
    assert.deepEqual(method(JSON.stringify(envelope)), envelope);
    assert.deepEqual(commandOfMethod(undefined), { command: '' });
  });

  for (const [answer, status] of [
    [{ value: 1 }, 200],
    [{ status: 'done' }, 200],
    [{ status: 'requested' }, 202],
    [{ status: 'running' }, 202],
    [{ error: { code: 'bad_value', message: '' } }, 400],
    [{ error: { code: 'unknown_command' } }, 404],
    [{ error: { code: 'rate_limited' } }, 429],
    [{ error: { code: 'failed' } }, 500],
    [{ error: {} }, 400],
  ] as const) {
    test(`answered ${JSON.stringify(answer)} has status ${status}`, () => {
      assert.equal(statusOfAnswer(answer), status);
    });
  }
});

test('a message is named within the limit of the hub, whatever the device is called', () => {
  const ids = { firstId: '1700000000000-0', lastId: '1700000000000-18446744073709551615' };
  for (const length of [1, 60, 128]) {
    const id = messageId('d'.repeat(length), ids, '0123abcd');
    assert.ok(id.length <= 128);
    assert.ok(id.endsWith(`:${ids.firstId}:${ids.lastId}:0123abcd`));
  }
  assert.ok(PROPERTY_BYTES < 300 && PROPERTY_BYTES < MAX_MESSAGE_BYTES);
});
