/**
 * Units of quantities that are not known when the dashboards are made: the unit is the end of a
 * quantity's name (contract, section 2), so a rule per ending matches the series by their label
 * `quantity`. What grafana-api says in `grafana_unit` is the same; a test compares the two.
 */
import type { Override } from './panels.ts';

interface UnitRule {
  /** Regular expression for the whole name of a quantity. */
  readonly quantity: string;
  /** Id of Grafana's unit. */
  readonly unit: string;
  readonly decimals?: number;
}

/** Later ones win. */
export const UNIT_RULES: readonly UnitRule[] = [
  { quantity: '.*_celsius', unit: 'celsius', decimals: 1 },
  { quantity: '.*_fahrenheit', unit: 'fahrenheit', decimals: 1 },
  { quantity: '.*_kelvin', unit: 'kelvin', decimals: 1 },
  { quantity: '.*_percent', unit: 'percent', decimals: 1 },
  { quantity: 'humidity_percent', unit: 'humidity', decimals: 1 },
  { quantity: '.*_hpa', unit: 'pressurehpa', decimals: 1 },
  { quantity: '.*_lux', unit: 'lux' },
  { quantity: '.*_ppm', unit: 'ppm', decimals: 0 },
  { quantity: '.*_volt', unit: 'volt' },
  { quantity: '.*_millivolt', unit: 'mvolt' },
  { quantity: '.*_ampere', unit: 'amp' },
  { quantity: '.*_milliampere', unit: 'mamp' },
  { quantity: '.*_watt', unit: 'watt' },
  { quantity: '.*_ohm', unit: 'ohm' },
  { quantity: '.*_bytes', unit: 'bytes' },
  { quantity: '.*_seconds', unit: 's' },
  { quantity: '.*_ms', unit: 'ms' },
  { quantity: '.*_metre', unit: 'lengthm' },
  { quantity: '.*_hertz', unit: 'rothz' },
  { quantity: 'load_.*', unit: 'short', decimals: 2 },
  { quantity: 'clock_synchronised', unit: 'bool_yes_no' },
];

/**
 * Overrides for series that have the label `quantity`. Grafana matches them by the name it makes
 * from field and labels: `value {quantity="temperature_celsius", sensor="bme280-1-76"}`.
 */
export const unitOverrides: readonly Override[] = UNIT_RULES.map(
  ({ quantity, unit, decimals }) => ({
    matcher: { id: 'byRegexp', options: `/^(value|min|max) .*quantity="${quantity}"/` },
    properties: [
      { id: 'unit', value: unit },
      ...(decimals === undefined ? [] : [{ id: 'decimals', value: decimals }]),
    ],
  }),
);
