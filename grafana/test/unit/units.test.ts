/** The rules for endings say what grafana-api says of a quantity. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
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
