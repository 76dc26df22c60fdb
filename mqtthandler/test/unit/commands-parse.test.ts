import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { MAX_COMMAND_BYTES, depthOf } from '../../src/core/commands/json.ts';
import { parseCommand } from '../../src/core/commands/parse.ts';
import type { ParseOptions, ParseResult } from '../../src/core/commands/parse.ts';

const NOW = 1_700_000_000_000;
const OPEN: ParseOptions = { nowMs: NOW, device: 'd1', verify: undefined };

const bytes = (text: string) => new TextEncoder().encode(text);
const parse = (command: unknown, options = OPEN): ParseResult =>
  parseCommand(bytes(JSON.stringify(command)), false, options);
const outcome = (result: ParseResult) =>
  result.kind === 'accepted' ? result.command : result.refusal.code;

describe('a command', () => {
  const cases: [unknown, unknown][] = [
    [{ command: 'reboot' }, { name: 'reboot' }],
    [{ command: 'ReBoot', anything: 'else' }, { name: 'reboot' }],
    [{ command: 'GET_STATUS' }, { name: 'get_status' }],
    [{ command: 'Reprovision' }, { name: 'reprovision' }],
    [{ command: ' reboot' }, 'unknown_command'],
    [{ command: 'toString' }, 'unknown_command'],
    [{ command: '__proto__' }, 'unknown_command'],
    [{ command: '' }, 'unknown_command'],
    [{ command: null }, 'bad_type'],
    [{ command: ['reboot'] }, 'bad_type'],
    [{ Command: 'reboot' }, 'bad_type'],
    [
      { command: 'cancel', id: 5 },
      { name: 'cancel', target: 5 },
    ],
    [
      { command: 'cancel', id: 'x' },
      { name: 'cancel', target: 'x' },
    ],
    [{ command: 'cancel' }, 'bad_type'],
    [{ command: 'cancel', id: null }, 'bad_type'],
  ];
  for (const [command, expected] of cases) {
    test(`${JSON.stringify(command)} is ${JSON.stringify(expected)}`, () => {
      assert.deepEqual(outcome(parse(command)), expected);
    });
  }
});

describe('keys and values', () => {
  const get = (key: unknown) => outcome(parse({ command: 'get_config', key }));
  const set = (key: unknown, value: unknown) =>
    outcome(parse({ command: 'set_config', key, value }));

  test('only keys marked remote can be read', () => {
    assert.deepEqual(get('measurement:enabled'), {
      name: 'get_config',
      key: 'measurement:enabled',
    });
    const forbidden = ['measurement:values', 'commands:records', '', 'values', 'constructor', '*'];
    for (const key of forbidden) assert.equal(get(key), 'forbidden_key', key);
    for (const key of [undefined, null, 1, {}, ['events']]) assert.equal(get(key), 'bad_type');
  });

  const values: [string, unknown, unknown][] = [
    ['measurement:enabled', '0', '0'],
    ['measurement:enabled', 1, '1'],
    ['measurement:enabled', 2, 'bad_value'],
    ['measurement:enabled', 'on', 'bad_value'],
    ['measurement:enabled', true, 'bad_type'],
    ['measurement:enabled', null, 'bad_type'],
    ['measurement:enabled', undefined, 'bad_type'],
    ['measurement:interval', '0.01', '0.01'],
    ['measurement:interval', 0.005, 'bad_value'],
    ['measurement:interval', 86_401, 'bad_value'],
    ['measurement:interval', '1e3', 'bad_value'],
    ['measurement:interval', '0x10', 'bad_value'],
    ['measurement:interval', 'Infinity', 'bad_value'],
    ['measurement:interval', `${'0'.repeat(500)}1`, 'bad_value'],
    ['mqtt_sender:interval', 60, '60'],
    ['mqtt_sender:last_id', '-', '-'],
    ['mqtt_sender:last_id', '(123-4', '(123-4'],
    ['mqtt_sender:last_id', 'garbage', 'bad_value'],
    ['mqtt_sender:last_id', '1-2-3', 'bad_value'],
    ['mqtt_sender:last_id', '99999999999999999999999-0', 'bad_value'],
    ['mqtt_sender:pending', '1', 'forbidden_key'],
    ['events', 'x', 'forbidden_key'],
  ];
  for (const [key, value, expected] of values) {
    test(`${key} = ${JSON.stringify(value)?.slice(0, 40)} is ${expected as string}`, () => {
      const parsed = set(key, value);
      assert.equal(
        typeof parsed === 'string' ? parsed : (parsed as { value: string }).value,
        expected,
      );
    });
  }
});

describe('id and expires', () => {
  const ids: [unknown, unknown][] = [
    ['a', 'a'],
    [0, 0],
    ['', 'bad_value'],
    ['x'.repeat(64), 'x'.repeat(64)],
    ['x'.repeat(65), 'bad_value'],
    [1.5, 'bad_value'],
    [2 ** 53, 'bad_value'],
    [null, 'bad_type'],
    [{}, 'bad_type'],
  ];
  for (const [id, expected] of ids) {
    test(`id ${JSON.stringify(id).slice(0, 20)} is ${String(expected).slice(0, 20)}`, () => {
      const parsed = parse({ command: 'get_status', id });
      assert.equal(parsed.kind === 'accepted' ? parsed.id : parsed.refusal.code, expected);
    });
  }

  test('a command is refused from the millisecond on at which it expires', () => {
    assert.equal(outcome(parse({ command: 'reboot', expires: NOW })), 'expired');
    assert.equal(outcome(parse({ command: 'reboot', expires: -1 })), 'expired');
    assert.deepEqual(outcome(parse({ command: 'reboot', expires: NOW + 1 })), { name: 'reboot' });
    assert.equal(outcome(parse({ command: 'reboot', expires: `${NOW + 1}` })), 'bad_type');
  });
});

describe('the range of send_measurements', () => {
  const last = '18446744073709551615';
  const cases: [object, unknown][] = [
    [{}, ['0-0', null, null]],
    [{ min_id: '-', max_id: '+', count: null }, ['0-0', null, null]],
    [{ min_id: '5-1', max_id: '9-3' }, ['5-0', '9-3', null]],
    [{ min_id: '(5-1', max_id: '(9-3' }, ['5-1', '9-2', null]],
    [{ min_id: '5', max_id: '9' }, [`4-${last}`, `9-${last}`, null]],
    [{ min_id: 5, max_id: 9, count: 10 }, [`4-${last}`, `9-${last}`, 10]],
    [{ max_id: '-' }, ['0-0', '0-0', null]],
    [{ min_id: '+' }, 'bad_value'],
    [{ min_id: {} }, 'bad_type'],
    [{ max_id: 'zzz' }, 'bad_value'],
    [{ count: '3' }, 'bad_type'],
    [{ count: 0 }, 'bad_value'],
    [{ count: 1.5 }, 'bad_value'],
  ];
  for (const [members, expected] of cases) {
    test(`${JSON.stringify(members)} is ${JSON.stringify(expected)}`, () => {
      const parsed = outcome(parse({ command: 'send_measurements', ...members }));
      if (typeof parsed === 'string') return assert.equal(parsed, expected);
      const { after, upTo, count } = parsed as { after: string; upTo: string; count: number };
      assert.deepEqual([after, upTo, count], expected);
    });
  }
});

describe('payloads', () => {
  const raw = (payload: Uint8Array, retained = false) =>
    outcome(parseCommand(payload, retained, OPEN));

  test('what is no JSON object within the limits is refused with its own code', () => {
    assert.equal(raw(bytes('')), 'not_json');
    assert.equal(raw(bytes('{')), 'not_json');
    assert.equal(raw(Uint8Array.of(0xc3, 0x28)), 'not_json');
    assert.equal(raw(bytes('"reboot"')), 'not_an_object');
    assert.equal(raw(bytes('[{"command":"reboot"}]')), 'not_an_object');
    assert.equal(raw(bytes('[['.repeat(5_000))), 'too_deep');
    assert.equal(raw(new Uint8Array(MAX_COMMAND_BYTES + 1)), 'too_large');
    assert.equal(raw(bytes('{"command":"reboot"}'), true), 'retained');
  });

  test('the largest command is taken, and brackets in texts do not nest', () => {
    const frame = '{"command":"reboot","x":""}';
    const full = frame.replace('""', `"${'['.repeat(MAX_COMMAND_BYTES - frame.length)}"`);
    assert.equal(bytes(full).length, MAX_COMMAND_BYTES);
    assert.deepEqual(raw(bytes(full)), { name: 'reboot' });
    assert.equal(depthOf('{"a\\"[[[":[{}]}'), 3);
  });

  test('an object that the transport has parsed is taken as well', () => {
    const parsed = parseCommand({ command: 'reboot', id: 3 }, false, OPEN);
    assert.equal(parsed.kind, 'accepted');
    const circle: Record<string, unknown> = { command: 'reboot' };
    circle['self'] = circle;
    assert.equal(outcome(parseCommand(circle, false, OPEN)), 'not_json');
  });

  test('nothing inherited counts as a member', () => {
    const inherited = Object.create({ key: 'measurement:enabled' }) as Record<string, unknown>;
    inherited['command'] = 'get_config';
    assert.equal(outcome(parseCommand(inherited, false, OPEN)), 'bad_type');
    assert.equal(raw(bytes('{"__proto__":{"command":"reboot"}}')), 'bad_type');
  });
});

describe('signed commands', () => {
  const signedText = 'a good signature';
  const verify: ParseOptions['verify'] = (_signed, signature) =>
    new TextDecoder().decode(signature) === signedText;
  const options: ParseOptions = { ...OPEN, verify };
  const envelope = (command: unknown, signature = signedText) => ({
    signed: btoa(typeof command === 'string' ? command : JSON.stringify(command)),
    signature: btoa(signature),
  });
  const good = { command: 'reboot', id: 'r1', expires: NOW + 1_000 };

  test('run when the signature fits, with id and expires', () => {
    const parsed = parse(envelope(good), options);
    assert.equal(parsed.kind, 'accepted');
    assert.deepEqual(parsed.echo, good);
    assert.deepEqual(outcome(parse(envelope({ ...good, device: 'd1' }), options)), {
      name: 'reboot',
    });
  });

  const faulty: [string, unknown, string][] = [
    ['unsigned', good, 'missing_signature'],
    ['signature of another type', { signed: 'e30=', signature: 5 }, 'missing_signature'],
    ['wrong signature', envelope(good, 'forged'), 'bad_signature'],
    ['no base64', { signed: '{}', signature: '***' }, 'bad_signature'],
    ['no JSON inside', envelope('nonsense'), 'not_json'],
    ['nested without end', envelope('['.repeat(100)), 'too_deep'],
    ['without id', envelope({ command: 'reboot', expires: NOW + 1 }), 'bad_type'],
    ['without expires', envelope({ command: 'reboot', id: 1 }), 'bad_type'],
    ['expired', envelope({ ...good, expires: NOW - 1 }), 'expired'],
    ['living too long', envelope({ ...good, expires: NOW + 8 * 86_400_000 }), 'bad_value'],
    ['for another device', envelope({ ...good, device: 'd2' }), 'bad_value'],
    ['signed twice over', envelope(envelope(good)), 'bad_type'],
  ];
  for (const [name, command, code] of faulty) {
    test(`are refused when ${name}: ${code}`, () => {
      assert.equal(outcome(parse(command, options)), code);
    });
  }
});
