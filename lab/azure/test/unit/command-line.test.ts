import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseFaultRule } from '../../src/admin/fault-json.ts';
import { UsageError, columns, describe, parseGiven } from '../../src/cli/command.ts';
import type { Command } from '../../src/cli/command.ts';

const COMMAND: Command = {
  name: 'try',
  arguments: 'ID [MORE]',
  summary: 'tries',
  count: [1, 2],
  options: {
    many: { value: 'A', multiple: true, help: 'several' },
    size: { value: 'N', help: 'a number' },
    loud: { help: 'a flag' },
  },
  run: () => Promise.resolve(),
};

test('options and arguments are told apart', () => {
  const given = parseGiven(COMMAND, ['x', '--many', 'a', '--size=-2.5', '--many=b', '--loud', 'y']);
  assert.deepEqual(given.args, ['x', 'y']);
  assert.deepEqual(given.list('many'), ['a', 'b']);
  assert.equal(given.number('size'), -2.5);
  assert.deepEqual([given.flag('loud'), given.flag('json')], [true, false]);
  assert.equal(given.text('admin'), undefined);
});

test('what was typed wrongly is a usage error', () => {
  for (const argv of [[], ['a', 'b', 'c'], ['a', '--unknown'], ['a', '--size']]) {
    assert.throws(() => parseGiven(COMMAND, argv), UsageError, argv.join(' '));
  }
  assert.throws(() => parseGiven(COMMAND, ['a', '--size', 'two']).number('size'), UsageError);
  assert.ok(parseGiven(COMMAND, ['--help']).flag('help'), 'help needs no arguments');
});

test('the help names every option', () => {
  const help = describe(COMMAND);
  for (const part of ['try ID [MORE]', '--many A', 'several times', '--loud', '--admin URL']) {
    assert.ok(help.includes(part), part);
  }
});

test('columns stand under each other', () => {
  assert.equal(
    columns([
      ['a', 'b'],
      ['long', 'c'],
    ]),
    '  a     b\n  long  c\n',
  );
});

test('a fault rule is taken as it is typed', () => {
  const rules = [
    { at: 'dps_register', action: { kind: 'hang' } },
    { at: 'hub_connect', action: { kind: 'connack', code: 3 }, service: 'hub-a', count: 2 },
    {
      at: 'dps_poll',
      action: { kind: 'status', status: 429, retryAfter: { seconds: 5, as: 'date' }, body: '' },
      id: 'rover-*',
      skip: 1,
      probability: 0.5,
      delayMs: 10,
    },
    { at: 'dps_lookup', action: { kind: 'body', text: '<html>' } },
  ] as const;
  for (const rule of rules) assert.deepEqual(parseFaultRule(rule), rule);
  const short = parseFaultRule({
    at: 'dps_register',
    action: { kind: 'status', status: 503, retryAfter: 7 },
  });
  assert.deepEqual(short.action, {
    kind: 'status',
    status: 503,
    retryAfter: { seconds: 7, as: 'seconds' },
  });
});

test('a fault rule that means nothing is refused', () => {
  const hang = { kind: 'hang' };
  const wrong = [
    undefined,
    {},
    { at: 'somewhere', action: hang },
    { at: 'dps_poll' },
    { at: 'dps_poll', action: { kind: 'explode' } },
    { at: 'dps_poll', action: { kind: 'status', status: 200 } },
    { at: 'hub_connect', action: { kind: 'connack', code: 6 } },
    { at: 'dps_poll', action: hang, count: 'twice' },
    { at: 'dps_poll', action: { kind: 'status', status: 429, retryAfter: 'soon' } },
  ];
  for (const rule of wrong) assert.throws(() => parseFaultRule(rule), { status: 400 });
});
