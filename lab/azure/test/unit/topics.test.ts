import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { formatPropertyBag, messageBytes, parsePropertyBag } from '../../src/core/property-bag.ts';
import { parseDeviceTopic, parseFilter, parseHubUserName } from '../../src/core/topics.ts';

test('a user name names hub, device and API version', () => {
  const cases = [
    ['h.net/d/?api-version=2021-04-12&DeviceClientType=x%2F1', 'h.net', 'd', '2021-04-12'],
    [
      'localhost:8884/d-1/?api-version=2019-10-01&model-id=dtmi:a;1',
      'localhost:8884',
      'd-1',
      '2019-10-01',
    ],
    ['h/d/api-version=2016-11-14/DeviceClientType=old%2F1/x', 'h', 'd', '2016-11-14'],
    ['h/d', 'h', 'd', ''],
    ['h/d/', 'h', 'd', ''],
  ] as const;
  for (const [userName, host, deviceId, apiVersion] of cases) {
    assert.deepEqual(parseHubUserName(userName), { host, deviceId, apiVersion }, userName);
  }
  for (const userName of [
    '',
    'd',
    '/d',
    'h//',
    'h/d/module/?api-version=1',
    's/registrations/r/api-version=1',
  ]) {
    assert.equal(parseHubUserName(userName), undefined, userName);
  }
});

test('the topics of a device are known, all others are not', () => {
  assert.deepEqual(parseDeviceTopic('devices/d/messages/events/a=b', 'd'), {
    kind: 'event',
    bag: 'a=b',
  });
  assert.deepEqual(parseDeviceTopic('devices/d/messages/events', 'd'), { kind: 'event', bag: '' });
  assert.deepEqual(parseDeviceTopic('$iothub/methods/res/200/?$rid=a1', 'd'), {
    kind: 'method_answer',
    status: 200,
    requestId: 'a1',
  });
  assert.deepEqual(parseDeviceTopic('$iothub/twin/GET/?$rid=7', 'd'), {
    kind: 'twin_get',
    requestId: '7',
  });
  assert.deepEqual(
    parseDeviceTopic('$iothub/twin/PATCH/properties/reported/?$rid=8&$version=2', 'd'),
    {
      kind: 'twin_patch',
      requestId: '8',
    },
  );
  for (const topic of [
    'devices/e/messages/events/',
    'devices/d/messages/eventsx',
    'devices/d/messages/devicebound/',
    '$iothub/twin/PATCH/properties/desired/?$rid=8',
    '$iothub/methods/POST/x/?$rid=1',
    'a/b',
    '',
  ]) {
    assert.equal(parseDeviceTopic(topic, 'd'), undefined, topic);
  }
  assert.equal(parseFilter('devices/d/messages/devicebound/#', 'd'), 'devicebound');
  assert.equal(parseFilter('devices/e/messages/devicebound/#', 'd'), undefined);
  assert.equal(parseFilter('$iothub/#', 'd'), undefined);
});

test('properties survive the way through a topic', () => {
  const name = fc
    .string({ minLength: 1, unit: 'grapheme' })
    .filter((text) => !text.startsWith('$.'));
  const value = fc.option(fc.string({ unit: 'grapheme' }), { nil: null });
  const bags = fc.record({
    system: fc.dictionary(
      fc.constantFrom('$.mid', '$.ct', '$.ce'),
      fc.string({ unit: 'grapheme' }),
    ),
    user: fc.dictionary(name, value, { noNullPrototype: true }),
  });
  fc.assert(
    fc.property(bags, (bag) => {
      const parsed = parsePropertyBag(formatPropertyBag(bag));
      assert.deepEqual(parsed && { ...parsed.user }, { ...bag.user });
      assert.deepEqual(parsed && { ...parsed.system }, { ...bag.system });
    }),
    { numRuns: 300 },
  );
});

test('any text is decoded or refused, never thrown at', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary' }), (text) => {
      parsePropertyBag(text);
      parseHubUserName(text);
      parseDeviceTopic(text, 'd');
    }),
    { numRuns: 500 },
  );
});

test('the size of a message is its body, system values, user names and values in UTF-8', () => {
  const bag = { system: { '$.mid': 'mid' }, user: { ü: 'ö', alone: null } };
  assert.equal(messageBytes(10, bag), 10 + 3 + 2 + 2 + 5);
});
