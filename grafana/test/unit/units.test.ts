/** The rules for endings say what grafana-api says of a quantity. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { describe } from '../../api/src/core/units.ts';
import { UNIT_RULES } from '../../src/units.ts';

/** As Grafana applies them: the last rule that fits wins. */
function unitOf(quantity: string): string | undefined {
  return UNIT_RULES.findLast((rule) => new RegExp(`^${rule.quantity}$`).test(quantity))?.unit;
}

test('the unit is the end of the name, whatever stands before it', () => {
  assert.equal(unitOf('temperature_celsius'), 'celsius');
  assert.equal(unitOf('cpu_temperature_celsius'), 'celsius');
  assert.equal(unitOf('humidity_percent'), 'humidity');
  assert.equal(unitOf('soil_moisture_percent'), 'percent');
  assert.equal(unitOf('voltage_3_volt'), 'volt');
  assert.equal(unitOf('disk_free_bytes'), 'bytes');
  assert.equal(unitOf('celsius'), undefined);
  assert.equal(unitOf('something_nobody_knows'), undefined);
});

test('grafana-api gives the same unit for every ending that one of the two knows', () => {
  const source = readFileSync(new URL('../../api/src/core/units.ts', import.meta.url), 'utf8');
  const table = source.slice(source.indexOf('const UNITS'), source.indexOf('const NONE'));
  const endings = [...table.matchAll(/^ {2}(\w+): \{/gm)].map(([, ending = '']) => ending);
  assert.ok(endings.length >= 15, 'the table was found');
  const ours = UNIT_RULES.map(({ quantity }) => quantity.replace('.*', 'some'));
  const names = [...ours, ...endings.map((ending) => `some_${ending}`), 'co2_ppm', 'load_1m'];
  for (const name of names) assert.equal(unitOf(name), describe(name).grafana, name);
});
