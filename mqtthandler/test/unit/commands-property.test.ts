import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { keySpec } from '@holdfast/redis';
import { renderAnswer } from '../../src/core/commands/answer.ts';
import { MAX_COMMAND_BYTES } from '../../src/core/commands/json.ts';
import { parseCommand, parseTaken } from '../../src/core/commands/parse.ts';
import type { CommandPayload, ParseOptions } from '../../src/core/commands/parse.ts';

const NOW = 1_700_000_000_000;
const OPEN: ParseOptions = { nowMs: NOW, device: 'd1', verify: undefined };
const RUNS = 4_000;

const CODES = new Set(
  (
    'not_json too_large too_deep not_an_object unknown_command bad_type bad_value forbidden_key ' +
    'expired retained missing_signature bad_signature not_supported'
  ).split(' '),
);
const COMMANDS = [
  'reboot',
  'get_config',
  'SET_CONFIG',
  'send_measurements',
  'reprovision',
  'get_status',
  'cancel',
  'format',
];
const KEYS = [
  'measurement:enabled',
  'measurement:interval',
  'measurement:values',
  'mqtt_sender:last_id',
  'mqtt_sender:pending',
  'commands:reboot',
  '__proto__',
];

const encode = (text: string) => new TextEncoder().encode(text);

/** What must hold for whatever arrives. */
function check(payload: CommandPayload, options: ParseOptions = OPEN): void {
  const before = payload instanceof Uint8Array ? payload.slice() : JSON.stringify(payload);
  const parsed = parseCommand(payload, false, options);
  const after = payload instanceof Uint8Array ? payload : JSON.stringify(payload);
  assert.deepEqual(after, before);
  if (parsed.kind === 'refused') {
    assert.ok(CODES.has(parsed.refusal.code), parsed.refusal.code);
    assert.ok(parsed.refusal.message.length < 300);
    const answer = JSON.parse(renderAnswer(parsed.echo, { error: parsed.refusal })) as object;
    assert.deepEqual((answer as { error: unknown }).error, parsed.refusal);
    return;
  }
  assert.ok(encode(parsed.text).length <= MAX_COMMAND_BYTES * 2);
  const { command } = parsed;
  if (command.name === 'get_config' || command.name === 'set_config') {
    const spec = keySpec(command.key);
    assert.equal(spec?.type, 'string');
    assert.equal(spec.remote, 'get_set');
  }
  // What is stored is read back as the same command after a restart.
  const again = parseTaken(parsed.text, parsed.signed, NOW);
  assert.equal(again.kind, 'accepted');
  assert.deepEqual(again.command, command);
  assert.deepEqual(again.id, parsed.id);
  JSON.parse(renderAnswer(parsed.echo, { status: 'running' }));
}

const anyJson = fc.jsonValue({ maxDepth: 10 });
const member = fc.oneof(anyJson, fc.constantFrom<unknown>(...KEYS, ...COMMANDS), fc.double());
const nearCommand = fc.record(
  {
    command: fc.oneof({ weight: 9, arbitrary: fc.constantFrom(...COMMANDS) }, member),
    key: fc.oneof({ weight: 4, arbitrary: fc.constantFrom(...KEYS) }, member),
    value: fc.oneof(fc.constantFrom<unknown>('0', 1, '5-0', '(5-0', '-', 0.5), member),
    id: member,
    expires: fc.oneof(fc.constantFrom<unknown>(NOW + 1, NOW - 1), member),
    min_id: fc.oneof(fc.constantFrom<unknown>('-', '5-0', '(7', 3), member),
    max_id: fc.oneof(fc.constantFrom<unknown>('+', '5-0', '(7', 3), member),
    count: fc.oneof(fc.nat(), member),
    signed: member,
    signature: member,
    __proto__: member,
  },
  { requiredKeys: [] },
);

test('no JSON value is taken for a command that it is not', () => {
  fc.assert(
    fc.property(anyJson, (value) => check(encode(JSON.stringify(value)))),
    { numRuns: RUNS },
  );
});

test('no mutation of a command touches a forbidden key or gets an unnamed fault', () => {
  fc.assert(
    fc.property(nearCommand, (value) => {
      check(encode(JSON.stringify(value)));
      check(value);
    }),
    { numRuns: RUNS },
  );
});

test('a command with bytes changed, cut or added is refused or a command of its own right', () => {
  const change = fc.record({ at: fc.nat(), byte: fc.nat(255), cut: fc.boolean() });
  fc.assert(
    fc.property(nearCommand, fc.array(change, { maxLength: 5 }), (value, changes) => {
      let bytes = encode(JSON.stringify(value));
      for (const { at, byte, cut } of changes) {
        const i = at % (bytes.length + 1);
        bytes = cut
          ? bytes.slice(0, i)
          : Uint8Array.of(...bytes.slice(0, i), byte, ...bytes.slice(i + 1));
      }
      check(bytes);
    }),
    { numRuns: RUNS },
  );
});

test('binary junk is refused', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 400 }), (bytes) => check(bytes)),
    { numRuns: RUNS },
  );
});

test('deep and huge payloads are refused before they are parsed', () => {
  const opening = fc.constantFrom('[', '{"a":', '[{"b":', '"', '\\', '[[');
  fc.assert(
    fc.property(opening, fc.nat(30_000), (text, times) => check(encode(text.repeat(times)))),
    { numRuns: 300 },
  );
});

test('without the right signature nothing at all is accepted', () => {
  const options: ParseOptions = { ...OPEN, verify: () => false };
  fc.assert(
    fc.property(nearCommand, (value) => {
      assert.equal(parseCommand(encode(JSON.stringify(value)), false, options).kind, 'refused');
      check(value, options);
    }),
    { numRuns: RUNS },
  );
});
