import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { KEYS, keyTableMarkdown } from '../../src/index.ts';

test('redis/README.md holds the key table of keys.ts', () => {
  const readme = readFileSync(new URL('../../../README.md', import.meta.url), 'utf8');
  assert.ok(readme.includes(keyTableMarkdown()), 'run keyTableMarkdown() and paste its output');
});

test('every key is named once', () => {
  const names = Object.values(KEYS).map((spec) => spec.key);
  assert.deepEqual([...new Set(names)], names);
});
