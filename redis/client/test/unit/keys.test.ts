import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { KEYS, keyTableMarkdown } from '@holdfast/redis';
import type { KeySpec } from '@holdfast/redis';

const all: readonly KeySpec[] = Object.values(KEYS);

test('no key appears twice', () => {
  assert.equal(new Set(all.map((spec) => spec.key)).size, all.length);
});

test('the names of the contract are kept', () => {
  const keys = all.map((spec) => spec.key);
  for (const suffix of ['values', 'enabled', 'interval']) {
    assert.ok(keys.includes(`measurement:${suffix}`), suffix);
  }
  for (const suffix of ['enabled', 'interval', 'last_id']) {
    assert.ok(keys.includes(`mqtt_sender:${suffix}`), suffix);
  }
  assert.ok(keys.includes('events'));
});

for (const spec of all) {
  describe(spec.key, () => {
    test('is named <owner>:<noun> in lower snake case', () => {
      // `events` belongs to all services (contract, section 1).
      if (spec.key !== 'events') assert.match(spec.key, /^[a-z]+(_[a-z]+)*:[a-z]+(_[a-z]+)*$/);
    });
    test('says who writes it, who reads it, its unit and its meaning in one line', () => {
      for (const words of [spec.writers, spec.readers, spec.unit, spec.meaning]) {
        assert.match(words, /^\S.*\S$|^\S$/);
        assert.ok(!words.includes('|'));
      }
    });
    test('can be set from afar only as a string with a rule for its value', () => {
      if (spec.remote === 'get_set') {
        assert.equal(spec.type, 'string');
        assert.notEqual(spec.value, undefined);
        assert.match(spec.writers, /commands/);
      } else {
        assert.doesNotMatch(spec.writers, /commands/);
      }
    });
    test('stands in the table of the README', () => {
      const row = keyTableMarkdown()
        .split('\n')
        .filter((line) => line.includes(`\`${spec.key}\` |`));
      assert.equal(row.length, 1);
      assert.equal(row[0]?.split('|').length, 9);
    });
  });
}
