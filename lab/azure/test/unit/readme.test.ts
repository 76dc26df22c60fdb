import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { COMMANDS } from '../../src/cli/commands.ts';
import { DEFAULT_SETTINGS } from '../../src/dps/settings.ts';

const README = readFileSync(new URL('../../README.md', import.meta.url), 'utf8');

test('the README explains every setting of DPS', () => {
  for (const name of Object.keys(DEFAULT_SETTINGS)) {
    assert.match(README, new RegExp(`^\\|.*\`${name}\`.*\\|.+\\|`, 'm'), name);
  }
});

test('every command and option that the README types exists', () => {
  const typed = [...README.matchAll(/(?:holdfast-cloud |\| `)([a-z]+)( [^`\n|]*)/g)];
  const options = COMMANDS.map(({ name, options }) => [name, Object.keys(options)] as const);
  const known = new Map(options);
  let checked = 0;
  for (const [, name = '', rest = ''] of typed) {
    const names = known.get(name);
    if (names === undefined) continue;
    for (const [, option = ''] of rest.matchAll(/--([a-z0-9-]+)/g)) {
      assert.ok(names.includes(option), `${name} --${option}`);
      checked += 1;
    }
  }
  assert.ok(checked > 20, `only ${checked} options seen`);
});
